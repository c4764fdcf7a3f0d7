// Where each parameter lies in the one flat buffer that holds them all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace charrnn {

/// How a new model's parameter starts.
enum class Start {
  kUniform,  ///< in ±bound (PyTorch's default: 1/√hidden for recurrent layers, 1/√inputs for linear ones)
  kNormal,   ///< N(0, 1), for embeddings
  kIdentity,  ///< of a matrix [gates · n, n]: the unit matrix in every gate
};

struct Parameter {
  std::string name;  ///< as in PyTorch's state_dict of the same model
  std::vector<std::int64_t> shape;
  std::int64_t offset = 0;  ///< first element in the flat buffer
  std::int64_t size = 0;    ///< elements
  Start start = Start::kUniform;
  double bound = 0;  ///< of Start::kUniform
};

class ParameterLayout {
 public:
  void add(std::string name, std::vector<std::int64_t> shape, Start start, double bound = 0);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Elements of the flat buffer. Every parameter starts at a multiple of kAlignment; the gaps stay zero.
  std::int64_t size() const { return size_; }
  /// Parameters in the sense of the field: without the gaps.
  std::int64_t count() const;

  static constexpr std::int64_t kAlignment = 16;  ///< floats: 64 bytes

 private:
  std::vector<Parameter> parameters_;
  std::int64_t size_ = 0;
};

/// Floating-point operations of a training step for each character: two for every weight of a matrix product
/// in the forward pass, four in the backward pass. Element-wise work does not count, as is usual for MFU.
double flop_per_character(const ParameterLayout& layout);

/// Fills a flat buffer in host memory with a new model's parameters, a pure function of the seed.
void initialise(const ParameterLayout& layout, std::uint64_t seed, std::span<float> flat);

/// SHA-256 over all parameters' bytes (little-endian float32), in the order of their names.
std::string hash_parameters(const ParameterLayout& layout, std::span<const float> flat);

}  // namespace charrnn
