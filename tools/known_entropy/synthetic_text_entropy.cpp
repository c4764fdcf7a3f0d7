// What follows from the tables alone: stationary distribution, entropy rate and variance.
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "known_entropy/synthetic_text.hpp"

namespace charrnn {
namespace {

using Matrix = std::vector<std::vector<double>>;

/// x with a x = b, by elimination with partial pivoting; a is square, small (one row a state) and not
/// singular.
std::vector<double> solve(Matrix a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i][k] / a[k][k];
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return b;
}

}  // namespace

void SyntheticText::solve_chain() {
  const std::size_t n = tables_.size();
  Matrix transition(n, std::vector<double>(n, 0.0));
  std::vector<double> entropy(n, 0.0), characters(n, 0.0);  // of one choice, per state
  const auto each_choice = [this](std::size_t state, auto&& use) {
    const double total = static_cast<double>(cumulative_[state].back());
    for (const TextChoice& choice : tables_[state]) use(choice, static_cast<double>(choice.weight) / total);
  };
  for (std::size_t s = 0; s < n; ++s) {
    each_choice(s, [&](const TextChoice& choice, double p) {
      transition[s][choice.next] += p;
      entropy[s] -= p * std::log(p);
      characters[s] += p * static_cast<double>(choice.text.size());
    });
  }

  // Stationary distribution. pi (I - P + 1 1') = 1', for pi (I - P) = 0 and pi 1 = 1; unlike I - P the matrix
  // is not singular (Paige, Styan and Wachter, 1975), and periodic chains need no special care.
  Matrix transposed(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) transposed[j][i] = (i == j ? 1.0 : 0.0) - transition[i][j] + 1.0;
  stationary_ = solve(std::move(transposed), std::vector<double>(n, 1.0));

  double entropy_per_choice = 0;
  for (std::size_t s = 0; s < n; ++s) {
    entropy_per_choice += stationary_[s] * entropy[s];
    characters_per_choice_ += stationary_[s] * characters[s];
  }
  entropy_rate_ = entropy_per_choice / characters_per_choice_;

  // Asymptotic variance of the summed excess x = -log p - h characters over choices: with g from Poisson's
  // equation (I - P) g = E[x | state], x + g(next) - g(state) is a martingale difference, and its variance is
  // the wanted one.
  Matrix poisson(n, std::vector<double>(n));
  std::vector<double> excess(n);
  for (std::size_t i = 0; i < n; ++i) {
    excess[i] = entropy[i] - entropy_rate_ * characters[i];
    for (std::size_t j = 0; j < n; ++j)
      poisson[i][j] = (i == j ? 1.0 : 0.0) - transition[i][j] + stationary_[j];
  }
  const std::vector<double> g = solve(std::move(poisson), std::move(excess));
  double variance = 0;
  for (std::size_t s = 0; s < n; ++s) {
    each_choice(s, [&](const TextChoice& choice, double p) {
      const double x = -std::log(p) - entropy_rate_ * static_cast<double>(choice.text.size());
      variance += stationary_[s] * p * std::pow(x + g[choice.next] - g[s], 2);
    });
  }
  variance_per_character_ = variance / characters_per_choice_;
}

double SyntheticText::standard_error(std::size_t characters) const {
  return std::sqrt(variance_per_character_ / static_cast<double>(characters));
}

}  // namespace charrnn
