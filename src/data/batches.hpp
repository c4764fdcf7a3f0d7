// What the training loop reads, step by step, whichever way the text is cut up.
#pragma once

#include <cstdint>
#include <vector>

#include "data/sharding.hpp"

namespace charrnn {

/// The tokens of one micro-batch in one step.
struct MicroBatch {
  Range columns;                      ///< by their number in the whole batch; may be none
  std::vector<std::int64_t> inputs;   ///< [length, columns], row after row
  std::vector<std::int64_t> targets;  ///< [length, columns], or [columns] if only the last one is predicted
};

/// The tokens of one step on this rank.
struct Batch {
  std::int64_t length = 0;                ///< time steps
  std::int64_t all_targets = 0;           ///< characters to predict, on all ranks together
  std::vector<MicroBatch> micro_batches;  ///< this rank's, in order
};

/// A part of a text as the batches of an epoch, a pure function of (seed, epoch, index) on every rank.
class Batches {
 public:
  virtual ~Batches() = default;
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  const Sharding& sharding() const { return sharding_; }
  /// Columns of a full batch, on all ranks together.
  std::int64_t columns() const { return columns_; }

  virtual std::int64_t per_epoch() const = 0;
  /// Characters to predict in an epoch, on all ranks together.
  virtual std::int64_t targets_per_epoch() const = 0;
  /// Whether a batch continues where the one before it ended, in the same columns, so that the hidden state is kept.
  /// Otherwise every batch starts from a hidden state of zero.
  virtual bool carry_state() const = 0;
  /// Fills in batch `index` of an epoch.
  virtual void load(std::int64_t epoch, std::int64_t index, Batch& batch) = 0;
  /// How far an epoch is after its first `index` batches: rows of every column, or windows.
  virtual std::int64_t position(std::int64_t epoch, std::int64_t index) = 0;

 protected:
  Batches(std::int64_t columns, const Sharding& sharding) : columns_(columns), sharding_(sharding) {}

  /// Makes this rank's micro-batches out of a batch of `columns` columns.
  void cut(std::int64_t columns, Batch& batch) const {
    batch.micro_batches.resize(static_cast<std::size_t>(sharding_.mine.count));
    for (std::int64_t i = 0; i < sharding_.mine.count; ++i) {
      batch.micro_batches[static_cast<std::size_t>(i)].columns =
          sharding_.columns_of_micro_batch(columns, sharding_.mine.first + i);
    }
  }

 private:
  std::int64_t columns_;
  Sharding sharding_;
};

}  // namespace charrnn
