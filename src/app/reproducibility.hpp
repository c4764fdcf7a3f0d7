// What reproducible mode cannot see to by itself.
#pragma once

#include <string>
#include <vector>

#include "app/job.hpp"
#include "checkpoint/checkpoint.hpp"

namespace charrnn {

/// Reasons why this run's bits may differ from those of another: ranks on different processors, a
/// `checkpoint` (may be null) from another processor or program version. Collective; the same on every rank.
std::vector<std::string> doubts_about_bits(const Checkpoint* checkpoint, Job& job);

}  // namespace charrnn
