// A small grammar of simple English for SyntheticText: about 250 words in classes, sentences of subject,
// verb, object and prepositional phrases. Subject and verb agree in number, also across a phrase between them
// ("the dogs near a house see …"): something to remember, and short enough for a small model to remember it.
#pragma once

#include "known_entropy/synthetic_text.hpp"

namespace charrnn {

/// The tables; every call returns the same. Words within a class are weighted by Zipf's law (Mandelbrot's
/// form). The text is ASCII, its letters a-z and A-Z, with blanks, commas, full stops and line ends.
TextTables english_tables();

}  // namespace charrnn
