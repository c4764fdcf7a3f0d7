// What a model is built from.
#pragma once

#include <cstdint>
#include <string>

namespace charrnn {

struct ModelConfig {
  std::string model = "lstm";  ///< a name of the registry: rnn, gru, lstm
  std::int64_t layers = 1;
  std::int64_t hidden = 256;
  std::int64_t embedding = 42;
  double dropout = 0;  ///< between layers, in [0, 1); as PyTorch, not after the last one
};

}  // namespace charrnn
