// A run's checkpoints: snapshots that are written while the training goes on.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/background_writer.hpp"
#include "train/observer.hpp"
#include "train/snapshot.hpp"

namespace charrnn {

/// Where checkpoints go. All ranks have one or none has. A write that hangs may outlive the training: it shares its
/// sink.
class CheckpointSink {
 public:
  virtual ~CheckpointSink() = default;
  /// On rank 0 only, on a thread of its own. Returns the file's path. After a WriteError it is called again later; what
  /// else it throws ends the run.
  virtual std::string save(const Checkpoint& checkpoint, bool ends_cycle, bool is_best) = 0;
  /// On rank 0 only. The file of the best checkpoint that was saved, which every rank can read; empty: there is none.
  virtual std::filesystem::path best() { return {}; }
};

/// Everything outlives it. What is collective says so; the rest is for the rank that it says.
class Saver {
 public:
  /// `sink` may be null: nothing is saved.
  Saver(const SnapshotMaker& snapshots, std::shared_ptr<CheckpointSink> sink, TrainObserver& observer, double minutes);

  /// On rank 0: whether so many minutes have passed since the last snapshot, and it is written. False elsewhere.
  bool is_due();
  /// On rank 0: whether tell_news() has something to tell. False elsewhere.
  bool has_news() { return writer_ && writer_->has_result(); }

  /// Takes a snapshot, and leaves the writing to a thread; waits only if that still writes the one before. Collective.
  void save(const RunPosition& position, const BatchState& state, const Sharding& sharding, bool ends_cycle,
            bool is_best);
  /// Tells the observers on all ranks what became of the last snapshot, if that is known; does not wait for it. What
  /// cannot be written is a warning, and is tried again after a while. Collective.
  void tell_news();
  /// Waits until the last snapshot is written. An Error with kInterrupted if it cannot be. Collective.
  void finish();
  /// The sink's best() on all ranks; a warning, and empty, if that is no good checkpoint. Collective.
  std::string best();
  /// Before an error ends the program: gives a write that goes on only a few seconds more.
  void leave_behind();

 private:
  void await_news();

  const SnapshotMaker& snapshots_;
  std::shared_ptr<CheckpointSink> sink_;
  TrainObserver& observer_;
  double minutes_;
  std::chrono::steady_clock::time_point saved_at_ = std::chrono::steady_clock::now();
  std::int64_t step_ = 0;                   ///< of the last snapshot
  bool is_pending_ = false;                 ///< it is not written yet
  std::string problem_;                     ///< why it could not be so far
  bool had_problem_ = false;                ///< since the last one that was written
  std::optional<BackgroundWriter> writer_;  ///< on rank 0, if there is a sink
};

}  // namespace charrnn
