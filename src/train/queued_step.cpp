#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

#include "base/summation_tree.hpp"
#include "models/flat_tensor.hpp"
#include "train/gradient_verdict.hpp"
#include "train/step_device.hpp"
#include "train/training_step.hpp"

namespace charrnn {

namespace {

constexpr std::int64_t kVerdict = sizeof(GradientVerdict) / sizeof(float);

/// The numbers of a step, one after the other, in the memory of the device and of the host.
struct Numbers {
  Numbers(std::int64_t groups, std::int64_t micro_batches)
      : rates{1, groups},
        losses{rates.end(), micro_batches},
        flags{losses.end(), std::ssize(kStepFlags)},
        verdict{flags.end(), kVerdict} {}

  Range targets{0, 1};  ///< in the batch, on all ranks together
  Range rates;          ///< of each group
  Range losses;         ///< of each micro-batch of all ranks
  Range flags;
  Range verdict;

  std::int64_t count() const { return verdict.end(); }
  /// What is summed over the ranks.
  Range shared() const { return {losses.first, losses.count + flags.count}; }
  static at::Tensor cut(const at::Tensor& all, const Range& part) { return all.slice(0, part.first, part.end()); }
};

class QueuedStep final : public TrainingStep {
 public:
  QueuedStep(const StepParts& parts, const Sharding& sharding, PhaseClock& clock)
      : parts_(parts),
        sharding_(sharding),
        clock_(clock),
        layout_(std::ssize(parts.optimizer.groups()), sharding.micro_batches),
        numbers_(at::zeros({layout_.count()}, options_of(parts.model.device()))) {
    for (Flight& flight : flights_) {
      for (auto& mark : flight.marks) mark = parts_.device->make_mark();
    }
  }

  void begin(const Batch& batch, BatchState& state, std::int64_t step, double factor, const StepFlags& flags) override {
    assert(begun_ - finished_ < flights_.size());
    const PhaseScope scope(&clock_, Phase::kBackward);
    Flight& flight = flights_[begun_++ % flights_.size()];
    flight.targets = batch.all_targets;
    flight.step = step;
    send(flight, factor, flags);
    const std::span<float> losses = span_of(Numbers::cut(numbers_, layout_.losses));
    parts_.reducer.begin(step);
    const auto sums = parts_.reducer.sums();
    // What is measured must still be this rank's own: then no part is summed before all are complete.
    GradientListener* const listener = parts_.noise == nullptr ? parts_.reducer.listener() : nullptr;
    if (parts_.noise != nullptr) parts_.noise->begin(batch, sums, nullptr);
    parts_.model.train(micro_batches_of(batch, state), {.dropout = dropout_key(batch, parts_.seed, step),
                                                        .sums = sums,
                                                        .queued_losses = part_of(losses, sharding_.mine),
                                                        .listener = listener,
                                                        .clock = &clock_});
    if (parts_.noise != nullptr) parts_.noise->end_parts();  // waits for the device
    flight.marks[kTrained]->set();
    parts_.reducer.queue(span_of(Numbers::cut(numbers_, layout_.shared())));
    flight.marks[kReduced]->set();
    parts_.model.writable_parameters();  // a recorded update does not tell the model
    parts_.device->queue_same([&] { update(state); });
    flight.host.copy_(numbers_, /*non_blocking=*/true);
    flight.marks[kEnd]->set();
  }

  StepOutcome finish() override {
    assert(finished_ < begun_);
    const PhaseScope scope(&clock_, Phase::kBackward);
    const Flight& flight = flights_[finished_++ % flights_.size()];
    parts_.control.set_step(flight.step);
    parts_.reducer.wait_queued(flight.step, [&] { return flight.marks[kEnd]->is_passed(); });
    clock_.move(Phase::kBackward, Phase::kReduce, flight.marks[kReduced]->seconds_since(*flight.marks[kTrained]));
    clock_.move(Phase::kBackward, Phase::kUpdate, flight.marks[kEnd]->seconds_since(*flight.marks[kReduced]));

    const auto numbers = [&](const Range& part) { return span_of(Numbers::cut(flight.host, part)); };
    const std::span<float> losses = numbers(layout_.losses), all_flags = numbers(layout_.flags);
    const GradientVerdict& verdict = verdict_in(flight.host);
    StepOutcome outcome;
    outcome.loss_sum = tree_sum(std::vector<double>(losses.begin(), losses.end()));
    outcome.loss = outcome.loss_sum / static_cast<double>(flight.targets);
    outcome.gradient_norm = verdict.norm;
    outcome.finite = verdict.leaves_out == 0;
    for (std::size_t i = 0; i < kStepFlags.size(); ++i) outcome.flags.*kStepFlags[i] = all_flags[i] > 0;
    if (outcome.finite) parts_.optimizer.count_queued_step();
    if (parts_.noise != nullptr) {
      parts_.noise->add(parts_.control, outcome.gradient_norm * static_cast<double>(flight.targets));
    }
    return outcome;
  }

  bool runs_ahead() const override { return parts_.noise == nullptr; }  // which knows one step at a time

 private:
  enum Mark : std::uint8_t { kTrained, kReduced, kEnd, kMarks };

  /// A step that has begun.
  struct Flight {
    std::int64_t targets = 0, step = 0;
    at::Tensor host;  ///< its numbers when it has ended
    std::array<std::unique_ptr<StepMark>, kMarks> marks;
  };

  /// The numbers that the step begins with.
  void send(Flight& flight, double factor, const StepFlags& flags) {
    const at::Tensor host = parts_.device->host_memory(layout_.count());
    const std::span<float> all = span_of(host.zero_());
    all[0] = static_cast<float>(flight.targets);
    std::ranges::transform(parts_.optimizer.groups(), span_of(Numbers::cut(host, layout_.rates)).begin(),
                           [&](const auto& group) { return static_cast<float>(group.learning_rate * factor); });
    std::ranges::transform(kStepFlags, span_of(Numbers::cut(host, layout_.flags)).begin(),
                           [&](auto flag) { return flags.*flag ? 1.F : 0.F; });
    numbers_.copy_(host, /*non_blocking=*/true);
    flight.host = parts_.device->host_memory(layout_.count());
  }

  /// Always the same, since the state that is carried and all numbers lie where they are.
  void update(BatchState& state) {
    const at::Tensor verdict = Numbers::cut(numbers_, layout_.verdict);
    parts_.device->queue_verdict(wrap(parts_.model.gradient(), parts_.model.device()),
                                 Numbers::cut(numbers_, layout_.losses), Numbers::cut(numbers_, layout_.targets),
                                 parts_.clip_norm, verdict);
    const GradientVerdict& judged = verdict_in(numbers_);
    parts_.optimizer.queue_step({.rates = numbers_.data_ptr<float>() + layout_.rates.first,
                                 .divisor = &judged.divisor,
                                 .leaves_out = &judged.leaves_out,
                                 .counts = &judged.counts});
    if (!state.is_carried()) return;
    for (const auto& carried : state.carried()) carried->zero_if(&judged.leaves_out);
  }

  /// Where it lies in a step's numbers, which may be the device's.
  const GradientVerdict& verdict_in(const at::Tensor& numbers) const {
    return *reinterpret_cast<const GradientVerdict*>(numbers.data_ptr<float>() + layout_.verdict.first);
  }

  StepParts parts_;
  Sharding sharding_;
  PhaseClock& clock_;
  Numbers layout_;
  at::Tensor numbers_;
  std::array<Flight, 2> flights_;
  std::size_t begun_ = 0, finished_ = 0;
};

}  // namespace

std::unique_ptr<TrainingStep> StepDevice::make_step(const StepParts& parts, const Sharding& sharding,
                                                    PhaseClock& clock) {
  return std::make_unique<QueuedStep>(parts, sharding, clock);
}

}  // namespace charrnn
