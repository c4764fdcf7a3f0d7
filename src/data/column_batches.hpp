// Stateful data: columns of running text, read window after window.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/batches.hpp"
#include "data/bptt_schedule.hpp"
#include "data/column_layout.hpp"
#include "data/piece_order.hpp"
#include "data/token_array.hpp"

namespace charrnn {

class ColumnBatches final : public Batches {
 public:
  /// `tokens` are those of all columns, and of what is left over. `carries_state`: from window to window; else each
  /// begins with zeros. `order`: what the columns are cut from.
  ColumnBatches(TokenArray tokens, const ColumnLayout& layout, const Sharding& sharding, BpttSchedule windows,
                bool carries_state = true, PieceOrder order = {});

  std::int64_t per_epoch() const override { return windows_.windows_per_epoch(); }
  std::int64_t targets_per_epoch() const override { return columns() * (layout_.rows() - 1); }
  bool carry_state() const override { return carries_state_; }
  void load(std::int64_t epoch, std::int64_t index, Batch& batch) override;
  std::int64_t position(std::int64_t epoch, std::int64_t index) override;

 private:
  static constexpr std::int64_t kColumnsAtOnce = 8;

  /// Rows [row, row + length) of the `width` columns from `column` on, row after row, to read_.
  void read(std::int64_t epoch, std::int64_t column, std::int64_t width, std::int64_t row, std::int64_t length);
  /// First rows of an epoch's windows, and the row after the last one.
  const std::vector<std::int64_t>& starts(std::int64_t epoch);

  TokenArray tokens_;
  ColumnLayout layout_;
  BpttSchedule windows_;
  bool carries_state_;
  PieceOrder order_;
  std::optional<std::int64_t> epoch_;  ///< that starts_ belongs to
  std::vector<std::int64_t> starts_;
  std::vector<std::int64_t> read_;
};

}  // namespace charrnn
