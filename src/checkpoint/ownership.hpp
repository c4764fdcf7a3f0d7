// Which attempt a run's folder belongs to. A node that is cut off goes on running while its job has been
// started again elsewhere: the old attempt must notice before it writes into the new one's folder.
#pragma once

#include <filesystem>
#include <string>

#include "checkpoint/store.hpp"

namespace charrnn {

class Ownership {
 public:
  /// Takes the folder (which must exist) by writing <run>/attempt. UsageError if a live process of this
  /// machine has it; an attempt on another machine is taken over with a warning.
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
