// What a model is built from.
#pragma once

#include <cstdint>
#include <string>

namespace charrnn {

/// The largest layers and sizes; dropout's random numbers have room for no more layers (models/dropout.hpp).
inline constexpr std::int64_t kMostLayers = 200, kMostUnits = 65'536;
/// Time steps that backpropagation runs through.
inline constexpr std::int64_t kLongestWindow = 1 << 24;

struct ModelConfig {
  std::string model = "lstm";  ///< a name of the registry
  std::int64_t layers = 1;
  std::int64_t hidden = 256;
  std::int64_t embedding = 42;
  std::string recurrent_init = "uniform";  ///< of the hidden-to-hidden weights: uniform, or identity
  // Probabilities, in [0, 1).
  double dropout = 0;           ///< between layers; as PyTorch, not after the last one
  double dropout_input = 0;     ///< of the embedded characters
  double dropout_output = 0;    ///< of the last layer's outputs
  bool locked_dropout = false;  ///< one mask for all rows of a window, where dropout draws one for every row
  double weight_dropout = 0;    ///< of the hidden-to-hidden weights, one mask a window
};

}  // namespace charrnn
