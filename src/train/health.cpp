#include "train/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/text.hpp"

namespace charrnn {

namespace {

constexpr double kFresh = 1.05;  // fresh parameters are that much worse than the uniform guess at most
constexpr double kBump = 0.5;    // nats that a warm restart may cost

}  // namespace

void RunningMedian::add(double value) {
  if (values_.size() < kLength) {
    values_.push_back(value);
  } else {
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), values_[next_]));
    values_[next_] = value;
    next_ = (next_ + 1) % kLength;
  }
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
}

HealthWatch::HealthWatch(std::int64_t symbols, double clip_norm, std::function<void(const std::string&)> warn)
    : symbols_(symbols),
      uniform_(std::log(static_cast<double>(symbols))),
      advice_(clip_norm > 0 ? fmt::format("lower `learning-rate`, or `clip-norm` (now {})", clip_norm)
                            : "lower `learning-rate` or set `clip-norm`"),
      warn_(std::move(warn)) {}

void HealthWatch::after_step(std::int64_t step, double loss, double gradient_norm) {
  watch_losses(step, loss);
  watch_norms(step, gradient_norm);
}

void HealthWatch::watch_losses(std::int64_t step, double loss) {
  smoothed_.add(loss);
  block_sum_ += loss;
  if (++block_count_ < kBlock) return;
  const double mean = block_sum_ / static_cast<double>(kBlock);
  block_sum_ = 0;
  block_count_ = 0;
  if (std::exchange(is_first_block_, false)) return;
  if (mean <= uniform_) loss_is_high_ = false;
  if (mean <= kFresh * uniform_ || std::exchange(loss_is_high_, true)) return;
  warn_(fmt::format("the training loss is {} over the last {} steps, up to step {}; {}: {}", loss_text(mean), kBlock,
                    with_commas(step), uniform_guess(), advice_));
}

void HealthWatch::watch_norms(std::int64_t step, double norm) {
  // As long as all are zero there is nothing to compare with.
  const double usual = norms_.count() < kEnoughNorms ? 0 : norms_.median();
  norms_.add(norm);
  if (usual == 0) return;
  if (norm <= kSpike * usual) {
    calm_steps_ = std::min(calm_steps_ + 1, kCalm);
    return;
  }
  if (std::exchange(calm_steps_, 0) < kCalm) return;
  warn_(fmt::format("the gradient's norm is {:.3g} at step {}, {:.0f} times its median of the last steps ({:.3g}): {}",
                    norm, with_commas(step), norm / usual, usual, advice_));
}

void HealthWatch::after_validation(std::int64_t step, double loss, double best_loss) {
  const double limit = std::min(kFresh * uniform_, best_loss + std::max(kBump, (uniform_ - best_loss) / 2));
  if (loss <= limit) validation_is_high_ = false;
  // Written so that what is not a number is too high.
  if (loss <= limit || std::exchange(validation_is_high_, true)) return;
  const std::string said = fmt::format("the validation loss is {} at step {}", loss_text(loss), with_commas(step));
  const bool overfits = smoothed_.mean() < best_loss && std::isfinite(best_loss);
  if (overfits) {
    warn_(
        fmt::format("{}; the best was {}, and the training loss is {}, so the model learns the text by heart: stop "
                    "in time with `patience`, or use `dropout`, fewer `hidden` units or more text",
                    said, loss_text(best_loss), loss_text(smoothed_.mean())));
  } else {
    warn_(fmt::format("{}; {}{}: {}", said,
                      std::isfinite(best_loss) ? fmt::format("the best was {}, ", loss_text(best_loss)) : "",
                      uniform_guess(), advice_));
  }
}

std::string HealthWatch::uniform_guess() const {
  return fmt::format("a uniform guess among {} symbols has {:.4f}", symbols_, uniform_);
}

}  // namespace charrnn
