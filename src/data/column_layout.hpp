// How a text is laid out in columns.
#pragma once

#include <cstdint>

namespace charrnn {

/// n characters in C columns: rows = n div C, the last n mod C characters are left out, column c holds
/// characters c·rows … (c+1)·rows − 1 (of the pieces in their order, if there is a PieceOrder). Inputs are rows 0 …
/// rows−2, targets rows 1 … rows−1.
class ColumnLayout {
 public:
  /// `first_character` is where the part begins in the corpus.
  ColumnLayout(std::int64_t first_character, std::int64_t characters, std::int64_t columns)
      : first_character_(first_character), characters_(characters), columns_(columns), rows_(characters / columns) {}

  std::int64_t first_character() const { return first_character_; }
  std::int64_t characters() const { return characters_; }

  std::int64_t columns() const { return columns_; }
  std::int64_t rows() const { return rows_; }

 private:
  std::int64_t first_character_, characters_;
  std::int64_t columns_;
  std::int64_t rows_;
};

}  // namespace charrnn
