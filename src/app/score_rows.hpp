// What `score` prints: a row for each line or character of a text, as it is read, or the most surprising ones at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/text_output.hpp"
#include "report/progress_line.hpp"
#include "sample/score.hpp"

namespace charrnn {

struct ScoreRowOptions {
  bool by_character = false;  ///< else by line
  std::int64_t worst = 0;     ///< only so many rows, the most surprising ones; 0: all
  bool json = false;
  bool names_files = false;  ///< a row says which file it is from
  bool bytes = false;        ///< characters are bytes
};

/// A line of the text, or a character; or of all of it the sums.
struct ScoreRow {
  std::string file;
  std::int64_t line = 1, column = 1;
  std::string text;             ///< without the line's end; of a long line the beginning
  char32_t character = 0;       ///< or a byte, where a character is a row
  std::int64_t characters = 0;  ///< that were predicted, the line's end among them
  std::int64_t unknown = 0;     ///< of a row's characters; in the sums, of those that were predicted
  double nats = 0;              ///< of those that were predicted
  std::int64_t number = 0;      ///< of the row

  double mean() const { return nats / static_cast<double>(characters); }
};

/// Prints rows while it hears of characters; finish() prints the last ones.
///
///     ScoreRows rows({.worst = 20}, output);
///     score_text(loaded, text, rows);
///     rows.finish();
class ScoreRows final : public ScoreObserver {
 public:
  ScoreRows(const ScoreRowOptions& options, TextOutput& output);

  void on_work(std::string_view what, std::int64_t done, std::int64_t total) override;
  /// Once nobody reads the rows.
  bool wants_stop() override { return !output_.is_read(); }
  void on_member(const Member& member) override;
  void on_character(const ScoredCharacter& character) override;

  void finish();
  /// All characters so far.
  const ScoreRow& sums() const { return sums_; }

 private:
  void end_row();
  void print(const ScoreRow& row);
  std::string as_json(const ScoreRow& row) const;
  std::string as_text(const ScoreRow& row) const;

  ScoreRowOptions options_;
  TextOutput& output_;
  std::size_t width_;  ///< columns of a row that people see
  bool has_begun_ = false;
  ProgressLine progress_{stderr};
  WorkLine work_{progress_};
  ScoreRow place_;               ///< what the next row begins with
  std::optional<ScoreRow> row_;  ///< the one that has begun
  ScoreRow sums_;
  std::vector<ScoreRow> worst_;  ///< a heap, the least surprising of them first
};

}  // namespace charrnn
