// Whether a run gives the same bits on any number of ranks, and all that follows from it: how the columns are cut into
// micro-batches, how gradients are summed, how many threads compute, and what the program cannot guarantee.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "config/run_config.hpp"
#include "data/sharding.hpp"
#include "dist/communicator.hpp"
#include "dist/topology.hpp"
#include "models/language_model.hpp"
#include "train/gradient_reducer.hpp"

namespace charrnn {

/// By default a rank computes one micro-batch, and an all-reduce sums the gradients: the fastest; the order of
/// additions is that of the communicator. In reproducible mode there is a fixed number of micro-batches, summed along a
/// fixed tree. What a resume must not change then is said by the option table (config/option_table.hpp).
class ReductionMode {
 public:
  explicit ReductionMode(const RunOptions& run)
      : reproducible_(run.reproducible), micro_batches_(run.micro_batches), noise_scale_(run.noise_scale) {}

  /// Whether everything must compute the same bits when it is run again, whatever it costs.
  bool is_reproducible() const { return reproducible_; }
  /// How the ranks share batches of `columns` columns. ConfigError for more ranks than there are micro-batches, and for
  /// `noise-scale` with a single one.
  Sharding sharding(std::int64_t columns, const Communicator& ranks) const;
  std::unique_ptr<GradientReducer> make_reducer(LanguageModel& model, const Sharding& sharding,
                                                Communicator& gradients) const;
  /// Threads of a rank that was given `threads` (0: choose); 0: its share of the cores. `threads_decide_bits`: of the
  /// engine's results.
  std::int64_t threads(std::int64_t threads, bool threads_decide_bits) const {
    return reproducible_ && threads == 0 && threads_decide_bits ? 1 : threads;
  }
  /// Reasons why this run's bits may differ from those of another: ranks on different processors or GPUs, a `resumed`
  /// checkpoint (may be null) from another one or another program version. `processor` is this rank's
  /// device_description(). Collective; the same on every rank.
  std::vector<std::string> doubts(const std::string& processor, const CheckpointHeader* resumed,
                                  Communicator& control) const;

 private:
  bool reproducible_;
  std::int64_t micro_batches_;
  bool noise_scale_;
};

struct Resources {
  ThreadChoice choice;  ///< of this rank
  int hosts;            ///< that the job runs on
  std::string ranks_of_hosts;
  std::vector<std::string> warnings;
};

/// The configured threads; where that and the mode leave it open, those of OMP_NUM_THREADS, or else this rank's share
/// of the cores it may use. Collective.
Resources choose_resources(const RunConfig& config, const ReductionMode& mode, Communicator& control);

}  // namespace charrnn
