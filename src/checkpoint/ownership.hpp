// Which attempt owns a run's folder. Two starts must not train in one folder, wherever they run; and a node that lost
// its network keeps training while its job is restarted elsewhere: the old attempt must notice this before it writes
// into a folder that is no longer its own.
#pragma once

#include <filesystem>

#include "base/activity.hpp"
#include "base/new_folders.hpp"
#include "checkpoint/attempt_mark.hpp"
#include "checkpoint/store.hpp"

namespace charrnn {

/// What an attempt wants a run's folder for.
enum class Claim {
  kNewRun,  ///< the folder must belong to nobody
  kResume,  ///< it may be taken over from an attempt that ended, or that cannot be seen from here
};

class Ownership {
 public:
  /// Takes the folder by writing <run>/attempt, and makes it if it is not there. Of several processes that want a new
  /// run in it at one moment, on whatever hosts, one gets it.
  ///
  /// UsageError if a live process that can be seen from here has it; for a resume, if it still has it after some seconds.
  /// For a new run also if the folder has the mark of any other attempt, ended or not. A resume warns where it takes the
  /// folder over from another machine, boot or container. Interrupted if `activity` wants to stop while this waits.
  Ownership(const std::filesystem::path& run_folder, Claim claim, const Warn& warn, Activity& activity);
  /// Removes the mark, if it is still this attempt's, and the folder, if it is new and empty.
  ~Ownership();
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  /// DataError if another attempt has taken the folder since; WriteError if the file system does not say.
  void check() const;

 private:
  bool take_if_free();

  std::filesystem::path file_;
  AttemptMark mark_;
  NewFolders made_;
};

}  // namespace charrnn
