// Whether a run gives the same bits on any number of ranks, and all that follows from it: how the columns are cut into
// micro-batches, how gradients are summed, how many threads compute, and what the program cannot see to by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "config/run_config.hpp"
#include "data/sharding.hpp"
#include "dist/communicator.hpp"
#include "models/language_model.hpp"
#include "train/gradient_reducer.hpp"

namespace charrnn {

/// What a resume must not change in reproducible mode is said by the option table (config/option_table.hpp).
class ReductionMode {
 public:
  virtual ~ReductionMode() = default;

  /// How the ranks share batches of `columns` columns. ConfigError for more ranks than there is work for.
  Sharding sharding(std::int64_t columns, const Communicator& ranks) const;
  virtual std::unique_ptr<GradientReducer> make_reducer(LanguageModel& model, const Sharding& sharding,
                                                        Communicator& gradients) const = 0;
  /// Threads of a rank that was given `threads` (0: choose); 0: its share of the cores. `threads_decide_bits`: of the
  /// engine's results.
  virtual std::int64_t threads(std::int64_t threads, bool threads_decide_bits) const = 0;
  /// Whether everything must compute the same bits when it is run again, whatever it costs.
  virtual bool is_reproducible() const = 0;
  /// Reasons why this run's bits may differ from those of another: ranks on different processors, a `resumed`
  /// checkpoint (may be null) from another processor or program version. Collective; the same on every rank.
  virtual std::vector<std::string> doubts(const CheckpointHeader* resumed, Communicator& control) const = 0;

 private:
  virtual std::int64_t micro_batches(std::int64_t columns, std::int64_t ranks) const = 0;
};

std::unique_ptr<ReductionMode> make_reduction_mode(const RunOptions& run);

}  // namespace charrnn
