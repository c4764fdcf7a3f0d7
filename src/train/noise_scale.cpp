#include "train/noise_scale.hpp"

#include <array>
#include <cmath>

#include "train/flat_buffer.hpp"

namespace charrnn {

GradientMoments gradient_moments(const PartSquares& parts, double squares_of_sum) {
  const double b = parts.columns;
  const double signal = (squares_of_sum - parts.squares) / (b * b - parts.columns_squared);
  return {signal, (parts.squares - parts.columns_squared * signal) / b};
}

GradientListener* NoiseScale::begin(const Batch& batch, std::span<const GradientSum> sums, GradientListener* next) {
  sums_ = sums;
  next_ = next;
  measured_ = 0;
  mine_ = {};
  auto micro_batch = batch.micro_batches.begin();
  for (const GradientSum& sum : sums) {
    double columns = 0;
    for (std::int64_t i = 0; i < sum.micro_batches; ++i) columns += static_cast<double>((micro_batch++)->columns.count);
    mine_.columns += columns;
    mine_.columns_squared += columns * columns;
  }
  return this;
}

void NoiseScale::measure(const Range& part) {
  for (const GradientSum& sum : sums_) {
    mine_.squares += FlatMath(model_.device()).sum_of_squares(part_of(sum.gradient, part));
  }
}

void NoiseScale::part_is_complete() {
  measure(parts_[measured_++]);
  if (next_ != nullptr) next_->part_is_complete();
}

void NoiseScale::end_parts() {
  while (measured_ < parts_.size()) measure(parts_[measured_++]);  // the reducer begins these itself
}

void NoiseScale::add(Communicator& control, double norm) {
  std::array<double, 3> all{mine_.columns, mine_.columns_squared, mine_.squares};
  control.all_reduce_sum(all);
  const auto [signal, noise] = gradient_moments({all[0], all[1], all[2]}, norm * norm);
  if (!std::isfinite(signal) || !std::isfinite(noise)) return;  // also where one part has all columns
  signal_.add(signal);
  noise_.add(noise);
}

std::optional<double> NoiseScale::columns() const {
  if (!(signal_.sum > 0) || !(noise_.sum > 0)) return std::nullopt;
  return noise_.mean() / signal_.mean();
}

}  // namespace charrnn
