// What a table of runs says about one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "serve/event_tail.hpp"
#include "serve/thinned_curve.hpp"

namespace charrnn {

enum class RunState {
  kEmpty,     ///< a config, and nothing more yet
  kTraining,  ///< its process lives; or it is elsewhere, and wrote something in the last minutes
  kSilent,    ///< its process is elsewhere, and has written nothing for minutes
  kDied,      ///< its process ended without saying so
  kDone,      ///< ended with exit code 0
  kStopped,   ///< ended with 75: it can be resumed
  kFailed,    ///< ended with another exit code
  kModel,     ///< no run: a model's file
};
/// "training", "done", …
const char* name_of(RunState state);

struct RunSummary {
  RunState state = RunState::kEmpty;
  std::optional<std::int64_t> exit_code;
  std::string model;  ///< "gru, 2 x 256"; empty if unknown
  std::int64_t parameters = 0, ranks = 0, step = 0, steps = 0, attempts = 0;
  std::optional<std::int64_t> epoch;  ///< the last one that has ended, from 0
  std::optional<double> loss, train_loss, val_loss, best_val_loss, learning_rate, characters_per_second;
  double started = 0, updated = 0;  ///< of the last attempt, and the last line; seconds since 1970
  std::vector<std::pair<std::int64_t, double>> sparkline;  ///< (step, loss), at most 80 points over the whole run
};

/// Sums up a run's folder as the run goes on.
///
///     RunSummarizer summarizer("runs/first");
///     while (…) show(summarizer.update(now));
class RunSummarizer {
 public:
  explicit RunSummarizer(std::filesystem::path folder);

  /// Reads what has come to metrics.jsonl since the last call, at most 64 MB: the rest of a larger file waits for the next
  /// call. Lines that are torn, damaged or of another kind are left out. `now`: seconds since 1970.
  RunSummary update(double now);

 private:
  void take(const std::string& lines);
  void forget();

  std::filesystem::path folder_;
  EventTail tail_;
  RunSummary run_;  ///< what the lines up to tail_'s place say
  ThinnedCurve losses_;
};

/// Sums up a .safetensors file: its model, and when it was written. Of a damaged one it is only known that it is there.
RunSummary summarize_model(const std::filesystem::path& file);

}  // namespace charrnn
