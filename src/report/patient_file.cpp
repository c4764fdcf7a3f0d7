#include "report/patient_file.hpp"

#include <fmt/format.h>

namespace charrnn {

void PatientFile::append(std::string_view entry, Place place) {
  waiting_ += entry;
  const Clock::time_point now = Clock::now();
  if (place == kMore && now < try_again_) return;
  if (file_.append(waiting_)) {
    waiting_.clear();
    try_again_ = {};
    return;
  }
  constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  const bool are_lost = place == kLast || waiting_.size() > kMostBytes;
  if (are_lost || try_again_ == Clock::time_point()) {
    warn_(fmt::format("cannot write '{}': is the disk full? Its entries {}", path_.string(),
                      are_lost ? "since then are lost" : "wait until there is room"));
  }
  if (are_lost) waiting_.clear();
  try_again_ = now + std::chrono::seconds(1);
}

}  // namespace charrnn
