#include "app/text_loss.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "data/corpus.hpp"

namespace charrnn {

namespace {

double share(std::int64_t unknown, std::int64_t characters) {
  return static_cast<double>(unknown) / static_cast<double>(characters);
}

}  // namespace

std::string text_loss(double loss, std::int64_t characters, std::int64_t unknown) {
  return fmt::format("{:.6f} nats = {:.6f} bits per character over {} characters{}", loss, bits(loss),
                     with_commas(characters),
                     unknown > 0 ? fmt::format(", {} of them unknown", percent_text(share(unknown, characters))) : "");
}

void warn_of_unknown(const std::string& model, std::int64_t characters, std::int64_t unknown, const Warn& warn) {
  if (share(unknown, characters) < kLargeUnknownShare) return;
  warn(fmt::format(
      "{} of the characters are unknown to '{}'; it reads them all as one symbol, <unk>, and the loss is that of "
      "telling where they stand, not which they are",
      percent_text(share(unknown, characters)), model));
}

}  // namespace charrnn
