#include "models/precision.hpp"

#include "base/error.hpp"

namespace charrnn {

Precision precision_named(const std::string& name) {
  if (name == "fp32") return Precision::kFp32;
  if (name == "tf32") return Precision::kTf32;
  if (name == "bf16") return Precision::kBf16;
  if (name == "int8") return Precision::kInt8;
  throw ConfigError("precision", fmt::format("there is no `precision` '{}'; use fp32, tf32, bf16 or int8", name));
}

}  // namespace charrnn
