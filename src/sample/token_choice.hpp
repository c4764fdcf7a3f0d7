// Which token comes next, given a model's logits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace charrnn {

struct SampleOptions {
  bool greedy = false;     ///< the most probable token, always
  double temperature = 1;  ///< divides the logits
  std::int64_t top_k = 0;  ///< only the k most probable tokens; 0: all
  double top_p = 1;        ///< then only the fewest most probable ones whose probabilities reach p
  std::uint64_t seed = 1;
};

/// UsageError for options out of range.
void validate(const SampleOptions& options);

/// The probabilities of all tokens after temperature, top-k and top-p; they sum to 1. Of equally probable tokens top-k
/// and top-p keep the first ones. Tokens in `excluded` get probability 0.
std::vector<double> token_probabilities(std::span<const float> logits, const SampleOptions& options,
                                        std::span<const std::int64_t> excluded);

/// Draws a token by inverse transform; `uniform` lies in [0, 1). With greedy it is the first of the most
/// probable.
std::int64_t choose_token(std::span<const float> logits, const SampleOptions& options,
                          std::span<const std::int64_t> excluded, double uniform);

}  // namespace charrnn
