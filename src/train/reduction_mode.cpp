#include "train/reduction_mode.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/processor.hpp"

namespace charrnn {

namespace {

/// One micro-batch a rank, all-reduced: the fastest; the order of additions is that of the communicator.
class DefaultMode final : public ReductionMode {
 public:
  std::unique_ptr<GradientReducer> make_reducer(LanguageModel& model, const Sharding& sharding,
                                                Communicator& gradients) const override {
    return make_all_reducer(model, sharding, gradients);
  }
  std::int64_t threads(std::int64_t threads, bool /*threads_decide_bits*/) const override { return threads; }
  bool is_reproducible() const override { return false; }
  std::vector<std::string> doubts(const CheckpointHeader* /*resumed*/, Communicator& /*control*/) const override {
    return {};
  }

 private:
  std::int64_t micro_batches(std::int64_t /*columns*/, std::int64_t ranks) const override { return ranks; }
};

/// A fixed number of micro-batches, summed along a fixed tree.
class ReproducibleMode final : public ReductionMode {
 public:
  explicit ReproducibleMode(std::int64_t micro_batches) : micro_batches_(micro_batches) {}

  std::unique_ptr<GradientReducer> make_reducer(LanguageModel& model, const Sharding& sharding,
                                                Communicator& gradients) const override {
    return make_tree_reducer(model, sharding, gradients);
  }
  std::int64_t threads(std::int64_t threads, bool threads_decide_bits) const override {
    return threads == 0 && threads_decide_bits ? 1 : threads;
  }
  bool is_reproducible() const override { return true; }

  std::vector<std::string> doubts(const CheckpointHeader* resumed, Communicator& control) const override {
    std::vector<std::string> doubts;
    const std::vector<std::string> processors = gather_strings(control, processor_description());
    const std::string& root = processors.front();
    const auto other = std::ranges::find_if(processors, [&](const std::string& one) { return one != root; });
    if (other != processors.end()) {
      doubts.push_back(fmt::format(
          "rank {} computes on another processor than rank 0 ({}; {}): the bits may depend on which rank has which columns",
          other - processors.begin(), *other, root));
    }
    if (resumed == nullptr) return doubts;
    if (!resumed->processor.empty() && resumed->processor != root) {
      doubts.push_back(fmt::format(
          "the checkpoint was written on another processor, {}, and this is {}: the bits may differ from here on",
          resumed->processor, root));
    }
    if (resumed->program_version != CHARRNN_VERSION) {
      doubts.push_back(
          fmt::format("the checkpoint was written by charrnn_dist {}, and this is {}: the bits may differ from here on",
                      resumed->program_version, CHARRNN_VERSION));
    }
    return doubts;
  }

 private:
  std::int64_t micro_batches(std::int64_t columns, std::int64_t ranks) const override {
    require_option(
        ranks <= micro_batches_, "micro-batches",
        "{} ranks cannot share {} micro-batches: start fewer ranks, or raise `micro-batches` (another number of them gives other bits)",
        ranks, micro_batches_);
    return std::min(micro_batches_, columns);
  }

  std::int64_t micro_batches_;
};

}  // namespace

Sharding ReductionMode::sharding(std::int64_t columns, const Communicator& ranks) const {
  return {micro_batches(columns, ranks.size()), ranks.rank(), ranks.size()};
}

std::unique_ptr<ReductionMode> make_reduction_mode(const RunOptions& run) {
  if (run.reproducible) return std::make_unique<ReproducibleMode>(run.micro_batches);
  return std::make_unique<DefaultMode>();
}

}  // namespace charrnn
