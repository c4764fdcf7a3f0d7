#include "models/precision.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace charrnn {

namespace {

using Named = std::pair<std::string_view, Precision>;
constexpr Named kNames[] = {
    {"fp32", Precision::kFp32}, {"tf32", Precision::kTf32}, {"bf16", Precision::kBf16}, {"int8", Precision::kInt8}};

}  // namespace

Precision precision_named(const std::string& name) {
  const auto* const found = std::ranges::find(kNames, name, &Named::first);
  if (found != std::end(kNames)) return found->second;
  throw ConfigError("precision", fmt::format("there is no `precision` '{}'; use fp32, tf32, bf16 or int8", name));
}

std::string_view name_of(Precision precision) {
  return std::ranges::find(kNames, precision, &Named::second)->first;
}

}  // namespace charrnn
