// The tokens of this rank's columns, and windows of them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "data/column_layout.hpp"
#include "data/corpus.hpp"

namespace charrnn {

/// Encodes the columns of `range` once, in the smallest integer type (8 bits up to 256 symbols, else 16).
/// Small ones live in memory, large ones in an unlinked temporary file that is mapped, so that the kernel may
/// evict them. Only the stretches of the text that belong to these columns are read.
class ColumnTokens {
 public:
  ColumnTokens(const MappedFile& file, const CorpusSummary& summary, const Vocabulary& vocabulary,
               const ColumnLayout& layout, ColumnRange range);
  ~ColumnTokens();
  ColumnTokens(ColumnTokens&&) noexcept;
  ColumnTokens& operator=(ColumnTokens&&) noexcept;

  std::int64_t columns() const { return range_.count; }
  std::int64_t rows() const { return rows_; }
  const ColumnRange& range() const { return range_; }
  int bits() const { return wide_ ? 16 : 8; }

  /// Window of `length` rows from `row` on: inputs are rows row …, targets the rows after them; both
  /// [length, columns()], row after row. Needs row + length < rows().
  void window(std::int64_t row, std::int64_t length, std::span<std::int64_t> inputs,
              std::span<std::int64_t> targets) const;

 private:
  class Storage;
  ColumnRange range_;
  std::int64_t rows_;
  bool wide_;
  std::unique_ptr<Storage> storage_;
};

}  // namespace charrnn
