#include "train/saver.hpp"

#include <algorithm>
#include <exception>
#include <tuple>
#include <utility>

#include "base/error.hpp"
#include "dist/agreement.hpp"

namespace charrnn {

namespace {

/// Until a snapshot that could not be written is tried again.
BackgroundWriter::Pause retry_pause(double minutes) {
  constexpr double kSeconds = 60;
  return BackgroundWriter::Pause(minutes > 0 ? std::min(kSeconds, minutes * 60) : kSeconds);
}

/// What a write came to: the path, or the reason why there is none. Errors that trying again cannot mend are thrown.
std::pair<std::string, std::string> path_or_problem(const BackgroundWriter::Result& result) {
  if (!result.error) return {result.path, ""};
  try {
    std::rethrow_exception(result.error);
  } catch (const WriteError& error) {
    return {"", error.what()};
  }
}

}  // namespace

Saver::Saver(const SnapshotMaker& snapshots, std::shared_ptr<CheckpointSink> sink, TrainObserver& observer,
             double minutes)
    : snapshots_(snapshots), sink_(std::move(sink)), observer_(observer), minutes_(minutes) {
  if (sink_ == nullptr || snapshots.control.rank() != 0) return;
  writer_.emplace(
      [sink = sink_](const Snapshot& snapshot) {
        return sink->save(snapshot.checkpoint, snapshot.ends_cycle, snapshot.is_best);
      },
      retry_pause(minutes));
}

bool Saver::is_due() {
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - saved_at_;
  return writer_ && minutes_ > 0 && since.count() >= minutes_ * 60 && !writer_->is_writing();
}

void Saver::save(const RunPosition& position, const BatchState& state, const Sharding& sharding, bool ends_cycle,
                 bool is_best) {
  if (sink_ == nullptr) return;
  if (is_pending_) await_news();
  Snapshot elsewhere;
  Snapshot& snapshot = writer_ ? writer_->take_buffer() : elsewhere;
  snapshots_.make(position, state, sharding, snapshot.checkpoint);
  snapshot.ends_cycle = ends_cycle;
  snapshot.is_best = is_best;
  if (writer_) writer_->start();
  is_pending_ = true;
  problem_.clear();
  step_ = position.step;
  saved_at_ = std::chrono::steady_clock::now();
}

void Saver::await_news() {
  on_root(snapshots_.control, [&] { writer_->await_write(); });
  tell_news();
}

void Saver::tell_news() {
  std::string problem;
  const std::string path = on_root(snapshots_.control, [&] {
    std::string written;
    if (const auto result = writer_->result()) std::tie(written, problem) = path_or_problem(*result);
    return written;
  });
  problem = broadcast_string(snapshots_.control, problem, 0);
  if (!path.empty()) {
    is_pending_ = false;
    if (std::exchange(had_problem_, false)) {
      observer_.on_message(Severity::kNote, fmt::format("the checkpoint of step {} is saved", step_));
    }
    observer_.on_checkpoint(step_, path);
  } else if (!problem.empty()) {
    if (problem_.empty()) {
      observer_.on_message(
          Severity::kWarning,
          fmt::format("the checkpoint of step {} is not saved: {}; the training goes on and tries again", step_,
                      problem));
    }
    problem_ = problem;
    had_problem_ = true;
  }
}

void Saver::finish() {
  if (!is_pending_) return;
  await_news();
  if (!is_pending_) return;
  if (writer_) writer_->retry();
  await_news();
  if (!is_pending_) return;
  throw Error(ExitCode::kInterrupted,
              fmt::format("the checkpoint of step {} is not saved: {}; mend this, then go on from the newest good one "
                          "with `resume`",
                          step_, problem_));
}

std::string Saver::best() {
  if (sink_ == nullptr) return "";
  std::string problem;
  std::string path = on_root(snapshots_.control, [&] {
    std::string file = sink_->best().string();
    try {
      if (!file.empty()) check_digest(file);
    } catch (const DataError& error) {
      problem = error.what();
      return std::string();
    }
    return file;
  });
  problem = broadcast_string(snapshots_.control, problem, 0);
  if (!problem.empty()) {
    observer_.on_message(Severity::kWarning, "the best checkpoint is not validated once more: " + problem);
  }
  return path;
}

void Saver::leave_behind() {
  constexpr BackgroundWriter::Pause kLimit(5);
  if (writer_) writer_->leave_behind(kLimit);
}

}  // namespace charrnn
