// The records of TensorBoard's event files: protocol buffers (tensorflow/core/util/event.proto) in TFRecords, each with its
// length and masked CRC-32C. No library that writes them is packaged for C++, and the format does not change any more.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace charrnn {

/// A point of a curve.
struct Scalar {
  std::string tag;   ///< "group/name"
  double value = 0;  ///< kept as float32
};

/// Times are seconds since 1970. The first record of a file.
std::string version_record(double time);
/// Points of this step and later ones, in files before, are void.
std::string restart_record(double time, std::int64_t step);
std::string scalars_record(double time, std::int64_t step, std::span<const Scalar> scalars);
/// UTF-8, which TensorBoard shows as Markdown.
std::string text_record(double time, std::int64_t step, std::string_view tag, std::string_view text);

}  // namespace charrnn
