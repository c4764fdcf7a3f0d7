// How many threads a command that only predicts computes with.
#pragma once

#include <cstdint>

namespace charrnn {

/// For so many texts side by side and a model of so many parameters: a core for every few texts, or for as many parameters
/// as its cache holds, because every character takes all parameters.
int threads_to_predict(std::int64_t texts, std::int64_t parameters);

}  // namespace charrnn
