// Which attempt owns a run's folder. A node that lost its network keeps training while its job is restarted elsewhere: the
// old attempt must notice this before it writes into a folder that is no longer its own.
#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/store.hpp"

namespace charrnn {

class Ownership {
 public:
  /// Takes the folder, which must exist, by writing <run>/attempt. UsageError if a live process on this machine
  /// owns it; from an attempt on another machine it is taken over, with a warning.
  Ownership(const std::filesystem::path& run_folder, const Warn& warn);
  /// Removes the mark, if it is still this attempt's.
  ~Ownership();
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;

  /// DataError if another attempt has taken the folder since.
  void check() const;

 private:
  std::filesystem::path file_;
  std::string identity_;
};

}  // namespace charrnn
