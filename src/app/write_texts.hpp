// What `sample` does unless it is interactive: texts, each shown as soon as it can be.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "app/text_output.hpp"
#include "sample/sampler.hpp"

namespace charrnn {

/// Which texts are wanted.
struct TextsToWrite {
  std::string prime;          ///< each begins with it
  std::int64_t length = 400;  ///< characters to write after it
  std::string stop;           ///< ends a text after it has been written; empty: nothing does
  std::int64_t count = 1;
  std::int64_t at_once = 1;  ///< texts that are written side by side
};

/// A sampler for the texts from number `first` on.
using MakeSampler = std::function<Sampler(std::int64_t first, std::int64_t texts)>;

/// The sampler reads a text to go on from; a warning names the characters that its model does not know.
void prime(Sampler& sampler, const std::string& text);

/// Whether a text ends here: it has `characters` characters, and `written` of them.
bool is_ended(const TextsToWrite& wanted, std::int64_t characters, std::string_view written);

/// The first of those that are written side by side appears character by character, the others when it is their turn. Ends
/// early if nobody reads any more. Of several, each has a heading: "--- 2 of 5 ---".
void write_texts(const TextsToWrite& wanted, const MakeSampler& make_sampler, TextOutput& output);

}  // namespace charrnn
