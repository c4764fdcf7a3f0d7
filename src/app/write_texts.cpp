#include "app/write_texts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "app/messages.hpp"
#include "base/utf8.hpp"

namespace charrnn {

namespace {

/// Texts that are written side by side, shown one after the other.
class Group {
 public:
  Group(const TextsToWrite& wanted, std::int64_t first, std::int64_t texts, TextOutput& output)
      : wanted_(wanted), output_(output), first_(first), texts_(static_cast<std::size_t>(texts)) {
    begin();
  }

  void write(Sampler& sampler) {
    for (show(); is_wanted(); show()) {
      const std::vector<std::string>& next = sampler.next();
      for (std::size_t i = current_; i < texts_.size(); ++i) {
        if (!is_ended(wanted_, characters_, texts_[i])) texts_[i] += next[i];
      }
      ++characters_;
    }
  }

 private:
  bool is_wanted() const { return current_ < texts_.size() && output_.is_read(); }

  /// What is new of the current text, and of those that follow on it.
  void show() {
    while (is_wanted()) {
      output_.write(std::string_view(texts_[current_]).substr(shown_));
      shown_ = texts_[current_].size();
      if (!is_ended(wanted_, characters_, texts_[current_])) return;
      output_.write("\n");
      ++current_;
      shown_ = 0;
      if (current_ < texts_.size()) begin();
    }
  }

  void begin() {
    if (wanted_.count > 1) {
      output_.write(fmt::format("--- {} of {} ---\n", first_ + static_cast<std::int64_t>(current_) + 1, wanted_.count));
    }
    output_.write(wanted_.prime);
  }

  const TextsToWrite& wanted_;
  TextOutput& output_;
  std::int64_t first_;
  std::vector<std::string> texts_;  ///< without the prime
  std::int64_t characters_ = 0;     ///< of those that have not ended
  std::size_t current_ = 0;         ///< the one that is shown
  std::size_t shown_ = 0;           ///< bytes of it
};

}  // namespace

void prime(Sampler& sampler, const std::string& text) {
  std::vector<std::string> unknown;
  for (const char32_t character : sampler.prime(text)) unknown.push_back(printable(character));
  if (unknown.empty()) return;
  warn_on_stderr(
      fmt::format("the model does not know these characters of the text to go on from: {}", fmt::join(unknown, ", ")));
}

bool is_ended(const TextsToWrite& wanted, std::int64_t characters, std::string_view written) {
  return characters >= wanted.length || (!wanted.stop.empty() && written.ends_with(wanted.stop));
}

void write_texts(const TextsToWrite& wanted, const MakeSampler& make_sampler, TextOutput& output) {
  for (std::int64_t first = 0; first < wanted.count && output.is_read(); first += wanted.at_once) {
    const std::int64_t texts = std::min(wanted.at_once, wanted.count - first);
    Sampler sampler = make_sampler(first, texts);
    prime(sampler, wanted.prime);
    Group(wanted, first, texts, output).write(sampler);
  }
}

}  // namespace charrnn
