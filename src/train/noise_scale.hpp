// The gradient noise scale: how many columns a batch can have before more of them stop paying.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/range.hpp"
#include "base/running_mean.hpp"
#include "data/batches.hpp"
#include "dist/communicator.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// A batch cut into parts, and the sum of the gradients of each part's columns: of part i, s_i over b_i columns.
struct PartSquares {
  double columns = 0;          ///< Σ b_i: of the batch
  double columns_squared = 0;  ///< Σ b_i²
  double squares = 0;          ///< Σ |s_i|²
};

/// Of the gradient of one column: its mean's squared norm, and the trace of its covariance.
struct GradientMoments {
  double signal = 0, noise = 0;
};

/// Both without bias, from at least two parts and the squared norm of the sum over all columns:
/// E|s|² = b²·signal + b·noise, for every part and for the whole. One step's may be below zero.
/// (McCandlish, Kaplan, Amodei et al., "An Empirical Model of Large-Batch Training", 2018, appendix A, for parts of any size.)
GradientMoments gradient_moments(const PartSquares& parts, double squares_of_sum);

/// Measures the gradients of the parts that a step has anyway, before the reducer adds them up:
///
///     model.train(…, {.sums = reducer.sums(), .listener = noise.begin(batch, reducer.sums(), reducer.listener())});
///     noise.end_parts();
///     reducer.finish();
///     noise.add(control, norm_of_the_sum);
class NoiseScale final : private GradientListener {
 public:
  /// The model must outlive it.
  explicit NoiseScale(LanguageModel& model) : model_(model), parts_(model.gradient_parts()) {}

  /// What to give train() in place of `next`, which may be null and hears of each part afterwards. `sums` are valid until
  /// end_parts().
  GradientListener* begin(const Batch& batch, std::span<const GradientSum> sums, GradientListener* next);
  /// Measures what the model did not report part by part. The sums must still be this rank's own.
  void end_parts();
  /// Collective. `norm` is that of the sum over all columns of all ranks. Numbers that are not finite are left out.
  void add(Communicator& control, double norm);
  /// tr Σ / |G|² of running means over some fifty steps; nothing while noise hides the gradient.
  std::optional<double> columns() const;

 private:
  void part_is_complete() override;
  void poll() override {
    if (next_ != nullptr) next_->poll();
  }
  void measure(const Range& part);

  LanguageModel& model_;
  std::vector<Range> parts_;
  std::size_t measured_ = 0;  ///< parts of this step
  std::span<const GradientSum> sums_;
  GradientListener* next_ = nullptr;
  PartSquares mine_;
  RunningMean signal_, noise_;
};

}  // namespace charrnn
