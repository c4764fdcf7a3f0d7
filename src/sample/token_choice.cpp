#include "sample/token_choice.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"

namespace charrnn {

void validate(const SampleOptions& options) {
  require_option(std::isfinite(options.temperature) && options.temperature > 0, "temperature",
                 "`temperature` must be positive, not {}; for the most probable character use `greedy`",
                 options.temperature);
  require_option(options.top_k >= 0, "top-k", "`top-k` must be 0 (all) or more, not {}", options.top_k);
  require_option(options.top_p > 0 && options.top_p <= 1, "top-p", "`top-p` must lie in (0, 1], not {}",
                 options.top_p);
}

std::vector<double> token_probabilities(std::span<const float> logits, const SampleOptions& options,
                                        std::span<const std::int64_t> excluded) {
  std::vector<std::int64_t> order;
  for (std::int64_t token = 0; token < static_cast<std::int64_t>(logits.size()); ++token) {
    if (std::find(excluded.begin(), excluded.end(), token) == excluded.end()) order.push_back(token);
  }
  const auto logit = [&](std::int64_t token) {
    return static_cast<double>(logits[static_cast<std::size_t>(token)]);
  };
  if (options.top_k > 0 || options.top_p < 1) {
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return logit(a) > logit(b); });
  }
  if (options.top_k > 0 && options.top_k < static_cast<std::int64_t>(order.size())) {
    order.resize(static_cast<std::size_t>(options.top_k));
  }
  const double largest = logit(*std::ranges::max_element(order, {}, logit));
  std::vector<double> weights;
  weights.reserve(order.size());
  for (const std::int64_t token : order) {
    weights.push_back(std::exp((logit(token) - largest) / options.temperature));
  }
  double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (options.top_p < 1) {
    double reached = 0;
    std::size_t kept = 0;
    while (kept < weights.size() && reached < options.top_p * total) reached += weights[kept++];
    weights.resize(kept);
    total = reached;
  }
  std::vector<double> probabilities(logits.size(), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    probabilities[static_cast<std::size_t>(order[i])] = weights[i] / total;
  }
  return probabilities;
}

std::int64_t choose_token(std::span<const float> logits, const SampleOptions& options,
                          std::span<const std::int64_t> excluded, double uniform) {
  const std::vector<double> probabilities = token_probabilities(logits, options, excluded);
  if (options.greedy)
    return std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
  double below = 0;
  std::int64_t last = 0;
  for (std::size_t token = 0; token < probabilities.size(); ++token) {
    if (probabilities[token] == 0) continue;
    last = static_cast<std::int64_t>(token);
    below += probabilities[token];
    if (uniform < below) break;
  }
  return last;
}

}  // namespace charrnn
