// What the training loop reads, step by step, whichever way the text is cut up.
#pragma once

#include <cstdint>
#include <vector>

#include "data/column_layout.hpp"

namespace charrnn {

/// The tokens of one step on this rank.
struct Batch {
  std::int64_t length = 0;            ///< rows of inputs
  ColumnRange columns;                ///< of this rank, by their number in the whole batch; may be empty
  std::int64_t all_targets = 0;       ///< characters to predict, on all ranks together
  std::vector<std::int64_t> inputs;   ///< [length, columns], row after row
  std::vector<std::int64_t> targets;  ///< [length, columns], or [columns] if only the last one is predicted
};

/// A part of a text as the batches of an epoch, a pure function of (seed, epoch, index) on every rank.
class Batches {
 public:
  virtual ~Batches() = default;
  Batches(const Batches&) = delete;
  Batches& operator=(const Batches&) = delete;

  virtual std::int64_t per_epoch() const = 0;
  /// True if a batch goes on where the one before it ended, in the same columns: the hidden state is kept.
  /// Otherwise every batch starts from zero.
  virtual bool carry_state() const = 0;
  /// This rank's columns of a full batch.
  virtual ColumnRange columns() const = 0;
  /// Fills in batch `index` of an epoch.
  virtual void load(std::int64_t epoch, std::int64_t index, Batch& batch) = 0;
  /// How far an epoch is after its first `index` batches: rows of every column, or windows.
  virtual std::int64_t position(std::int64_t epoch, std::int64_t index) = 0;
  /// Bits of a stored token.
  virtual int bits() const = 0;

 protected:
  Batches() = default;
};

}  // namespace charrnn
