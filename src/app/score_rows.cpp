#include "app/score_rows.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "report/terminal.hpp"

namespace charrnn {

namespace {

constexpr std::size_t kMostText = std::size_t{64} << 10;  // of a line, however long it is

/// What --worst sorts by: the mean, if a few characters more had cost nothing. Otherwise short lines, which a single character
/// may make expensive, would come before all others. A model whose numbers went wrong is as surprised as can be.
double surprise(const ScoreRow& row) {
  constexpr double kFree = 8;
  const double value = row.nats / (static_cast<double>(row.characters) + kFree);
  return std::isnan(value) ? std::numeric_limits<double>::infinity() : value;
}

bool is_more_surprising(const ScoreRow& a, const ScoreRow& b) {
  const double left = surprise(a), right = surprise(b);
  return left != right ? left > right : a.number < b.number;
}

}  // namespace

ScoreRows::ScoreRows(const ScoreRowOptions& options, TextOutput& output)
    : options_(options),
      output_(output),
      width_(::isatty(STDOUT_FILENO) != 0 ? static_cast<std::size_t>(terminal_width()) : kMostText) {}

void ScoreRows::on_work(std::string_view what, std::int64_t done, std::int64_t total) {
  if (options_.worst > 0) work_.on_work(what, done, total);  // otherwise the rows show it
}

void ScoreRows::on_member(const Member& member) {
  end_row();
  place_.line = place_.column = 1;
  if (options_.names_files) place_.file = member.path.empty() ? member.name : without_controls(member.path);
}

void ScoreRows::on_character(const ScoredCharacter& character) {
  const bool ends_line = character.character == '\n';
  if (!row_) row_ = place_;
  row_->unknown += character.is_known ? 0 : 1;
  if (character.nats) {
    sums_.unknown += character.is_known ? 0 : 1;
    for (ScoreRow* const row : {&*row_, &sums_}) {
      ++row->characters;
      row->nats += *character.nats;
    }
  }
  if (options_.by_character) {
    row_->character = character.character;
  } else if (!ends_line && row_->text.size() < kMostText) {
    if (options_.bytes) {
      row_->text += static_cast<char>(character.character);
    } else {
      append_utf8(row_->text, character.character);
    }
  }
  ++place_.column;
  if (ends_line) {
    ++place_.line;
    place_.column = 1;
  }
  if (ends_line || options_.by_character) end_row();
}

void ScoreRows::finish() {
  end_row();
  std::ranges::sort(worst_, is_more_surprising);
  progress_.clear();
  for (const ScoreRow& row : worst_) print(row);
}

void ScoreRows::end_row() {
  if (!row_) return;
  ++place_.number;
  const ScoreRow row = *std::exchange(row_, std::nullopt);
  if (options_.worst == 0) return print(row);
  if (row.characters == 0) return;
  worst_.push_back(row);
  std::ranges::push_heap(worst_, is_more_surprising);
  if (std::ssize(worst_) <= options_.worst) return;
  std::ranges::pop_heap(worst_, is_more_surprising);
  worst_.pop_back();
}

void ScoreRows::print(const ScoreRow& row) {
  if (!std::exchange(has_begun_, true) && !options_.json) {
    output_.write(fmt::format("   nats    bits  {}\n", options_.by_character ? "character" : "line"));
  }
  output_.write((options_.json ? as_json(row) : as_text(row)) + '\n');
}

std::string ScoreRows::as_json(const ScoreRow& row) const {
  nlohmann::ordered_json json;
  if (options_.names_files) json["file"] = row.file;
  json["line"] = row.line;
  if (options_.by_character) json["column"] = row.column;
  if (options_.by_character && options_.bytes) {
    json["byte"] = static_cast<std::uint32_t>(row.character);
  } else if (options_.by_character) {
    std::string character;
    append_utf8(character, row.character);
    json["character"] = character;
  } else {
    json["text"] = row.text;
    json["characters"] = row.characters;
  }
  json["nats"] = row.characters > 0 ? nlohmann::ordered_json(row.nats) : nullptr;
  json["unknown"] = row.unknown;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string ScoreRows::as_text(const ScoreRow& row) const {
  std::string text = row.characters > 0 ? fmt::format("{:7.3f} {:7.3f}", row.mean(), bits(row.mean()))
                                        : fmt::format("{:>7} {:>7}", "-", "-");
  text += fmt::format("  {}{}{}", row.file, row.file.empty() ? "" : ":", row.line);
  if (options_.by_character) {
    constexpr char32_t kAscii = 0x80;
    text += fmt::format(":{} {}", row.column,
                        options_.bytes && row.character >= kAscii
                            ? fmt::format("{:#04x}", static_cast<std::uint32_t>(row.character))
                            : printable(row.character));
  } else {
    text += ": " + row.text;
  }
  return one_line(text, width_);
}

}  // namespace charrnn
