#include "app/reproducibility.hpp"

#include <algorithm>

#include "base/processor.hpp"

namespace charrnn {

std::vector<std::string> doubts_about_bits(const Checkpoint* checkpoint, Job& job) {
  std::vector<std::string> doubts;
  const std::vector<std::string> processors = gather_strings(job.control, processor_description());
  const std::string& root = processors.front();
  const auto other = std::find_if(processors.begin(), processors.end(),
                                  [&](const std::string& processor) { return processor != root; });
  if (other != processors.end()) {
    doubts.push_back(
        fmt::format("rank {} computes on another processor than rank 0: {} and {}; the bits "
                    "may depend on which rank has which columns",
                    other - processors.begin(), *other, root));
  }
  if (checkpoint == nullptr) return doubts;
  if (!checkpoint->processor.empty() && checkpoint->processor != root) {
    doubts.push_back(
        fmt::format("the checkpoint was written on another processor, {}, and this is {}; the "
                    "bits may differ from here on",
                    checkpoint->processor, root));
  }
  if (checkpoint->program_version != CHARRNN_VERSION) {
    doubts.push_back(
        fmt::format("the checkpoint was written by charrnn_dist {}, and this is {}; the bits "
                    "may differ from here on",
                    checkpoint->program_version, CHARRNN_VERSION));
  }
  return doubts;
}

}  // namespace charrnn
