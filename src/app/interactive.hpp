// `sample --interactive`: a person types, the model goes on writing.
#pragma once

#include "app/text_output.hpp"
#include "app/write_texts.hpp"
#include "data/vocabulary.hpp"
#include "sample/sampler.hpp"

namespace charrnn {

/// Reads lines from standard input. The sampler, which has read nothing before, reads each after what it has written, as a new
/// line, and goes on from there for `wanted.length` characters or until `wanted.stop`. An empty line goes on where the text
/// ended. The prime, unless it is empty, stands for the first line. Ctrl-C ends a text; at the prompt it ends all, as the
/// end of the input does.
void write_interactively(const TextsToWrite& wanted, const Vocabulary& vocabulary, Sampler& sampler,
                         TextOutput& output);

}  // namespace charrnn
