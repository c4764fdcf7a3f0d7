// How the loss of a text is told.
#pragma once

#include <cstdint>
#include <string>

#include "base/warn.hpp"

namespace charrnn {

/// "1.340700 nats = 1.934222 bits per character over 60,089 characters, 0.2 % of them unknown"; `loss` is their mean.
std::string text_loss(double loss, std::int64_t characters, std::int64_t unknown);

/// A line through `warn` where so many characters are unknown to `model` that the loss says little.
void warn_of_unknown(const std::string& model, std::int64_t characters, std::int64_t unknown, const Warn& warn);

}  // namespace charrnn
