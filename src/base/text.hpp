// Numbers as people read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace charrnn {

std::string with_commas(std::int64_t number);  ///< 493,747
std::string duration_text(double seconds);     ///< 7 s, 3:05, 2:03:05, 1 d 2:03:05
std::string rate_text(double per_second);      ///< 950, 12.3k, 1.20M
/// The beginning of a UTF-8 text, at most so many bytes, control characters as spaces.
std::string one_line(const std::string& text, std::size_t bytes);
double bits(double nats);  ///< nats / ln 2

}  // namespace charrnn
