// Writes checkpoints on a thread of its own, while the training goes on.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "checkpoint/checkpoint.hpp"

namespace charrnn {

/// A checkpoint and what it is to a run.
struct Snapshot {
  Checkpoint checkpoint;
  bool ends_cycle = false, is_best = false;
};

/// One snapshot at a time. A write that fails with a WriteError is tried again every `pause`, until it succeeds or the
/// next snapshot takes its place.
///
///     BackgroundWriter writer([&](const Snapshot& snapshot) { return store.save(snapshot.checkpoint, …); }, 60s);
///     fill(writer.take_buffer());    // a copy of all that the training goes on to change
///     writer.start();
///     …
///     if (const auto result = writer.result()) …
class BackgroundWriter {
 public:
  using Write = std::function<std::string(const Snapshot&)>;
  using Pause = std::chrono::duration<double>;

  /// What became of a write.
  struct Result {
    std::string path;          ///< that was written
    std::exception_ptr error;  ///< if it was not
  };

  /// `write` gives the path back; it runs on the writer's thread, and owns what it uses, because of leave_behind().
  BackgroundWriter(Write write, Pause pause);
  /// Waits for a write that goes on; does not try a failed one again.
  ~BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  /// For a program that is about to end by an error, which must be told even if the file system hangs: waits for a
  /// write that goes on, but only so long, then leaves the thread to it. Only the destructor may follow.
  void leave_behind(Pause limit);

  /// To be filled in before start(); its memory is used again. Waits until nothing is being written, and gives up what
  /// could not be written so far.
  Snapshot& take_buffer();
  void start();
  bool is_writing();
  /// Until nothing is being written.
  void await_write();
  /// Tries what could not be written so far once more, now.
  void retry();
  bool has_result();
  /// The result of a write or of a try, once each.
  std::optional<Result> result();

 private:
  struct Desk;

  std::shared_ptr<Desk> desk_;  ///< the thread's, too
  std::jthread thread_;
};

}  // namespace charrnn
