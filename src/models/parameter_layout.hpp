// Where each parameter lies in the one flat buffer that holds them all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/range.hpp"

namespace charrnn {

/// The values that a new model's parameter begins with.
enum class Initialisation {
  kUniform,   ///< in ±bound (PyTorch's default: 1/√hidden for recurrent layers, 1/√inputs for linear ones)
  kNormal,    ///< N(0, 1), for embeddings
  kConstant,  ///< `bound` everywhere
  kIdentity,  ///< of a matrix [gates · n, n]: the unit matrix in every gate
};

/// What a parameter is used for.
enum class Role {
  kEmbedding,        ///< its rows are looked up
  kWeight,           ///< a factor of a matrix product
  kRecurrentWeight,  ///< the same, hidden to hidden: weight dropout and `recurrent-init` are for these
  kBias,
};

struct Parameter {
  std::string name;  ///< as in PyTorch's state_dict of the same model
  std::vector<std::int64_t> shape;
  Role role = Role::kWeight;
  std::int64_t layer = -1;  ///< whose it is; −1: no recurrent layer's
  Initialisation initialisation = Initialisation::kUniform;
  double bound = 0;         ///< of Initialisation::kUniform and kConstant
  std::int64_t offset = 0;  ///< first element in the flat buffer
  std::int64_t size = 0;    ///< elements
};

class ParameterLayout {
 public:
  /// Appends a parameter; its offset and size are computed here.
  void add(Parameter parameter);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Those of a recurrent layer: neighbours, in the order of its cell's table.
  std::span<const Parameter> of_layer(std::int64_t layer) const;
  /// The first one, and the last two.
  const Parameter& embedding() const { return parameters_.front(); }
  const Parameter& output_weight() const { return parameters_[parameters_.size() - 2]; }
  const Parameter& output_bias() const { return parameters_.back(); }
  /// A part for each recurrent layer, in the order in which backpropagation comes to them: the last layer with what
  /// follows it, ..., the first with the embedding. Together they are the flat buffer.
  std::vector<Range> parts_from_the_top() const;
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
