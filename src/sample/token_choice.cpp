#include "sample/token_choice.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"

namespace charrnn {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

/// All tokens, the largest weight first.
std::vector<std::size_t> by_weight(std::span<const double> weights) {
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return weights[a] > weights[b]; });
  return order;
}

/// Sets all weights to zero but those that `options` choose among; returns the sum of these.
double keep_most_probable(std::vector<std::size_t>& order, const SampleOptions& options, std::vector<double>& weights) {
  const auto drop_from = [&](std::size_t kept) {
    for (std::size_t i = kept; i < order.size(); ++i) weights[order[i]] = 0;
    order.resize(std::min(kept, order.size()));
  };
  if (options.top_k > 0) drop_from(static_cast<std::size_t>(options.top_k));
  const auto add = [&](double sum, std::size_t token) { return sum + weights[token]; };
  const double total = std::accumulate(order.begin(), order.end(), 0.0, add);
  if (options.top_p >= 1) return total;
  double reached = 0;
  std::size_t kept = 0;
  while (kept < order.size() && reached < options.top_p * total) reached += weights[order[kept++]];
  drop_from(kept);
  return reached;
}

}  // namespace

void validate(const SampleOptions& options) {
  require_option(std::isfinite(options.temperature) && options.temperature > 0, "temperature",
                 "`temperature` must be positive, not {}; for the most probable character use `greedy`",
                 options.temperature);
  require_option(options.top_k >= 0, "top-k", "`top-k` must be 0 (all) or more, not {}", options.top_k);
  require_option(options.top_p > 0 && options.top_p <= 1, "top-p", "`top-p` must lie in (0, 1], not {}", options.top_p);
}

std::vector<double> token_probabilities(std::span<const float> logits, const SampleOptions& options,
                                        std::span<const std::int64_t> excluded) {
  std::vector<double> weights(logits.begin(), logits.end());
  for (const std::int64_t token : excluded) weights[static_cast<std::size_t>(token)] = kNever;
  std::vector<std::size_t> order;  // as they are added up; empty: as they lie
  if (options.top_k > 0 || options.top_p < 1) order = by_weight(weights);
  const double largest = *std::ranges::max_element(weights);
  for (double& weight : weights) weight = std::exp((weight - largest) / options.temperature);
  const double total = order.empty() ? std::accumulate(weights.begin(), weights.end(), 0.0)
                                     : keep_most_probable(order, options, weights);
  for (double& weight : weights) weight /= total;
  return weights;
}

std::int64_t choose_token(std::span<const float> logits, const SampleOptions& options,
                          std::span<const std::int64_t> excluded, double uniform) {
  const std::vector<double> probabilities = token_probabilities(logits, options, excluded);
  if (options.greedy) return std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
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
