#include "app/reproducibility.hpp"

#include "base/processor.hpp"

namespace charrnn {

std::vector<std::string> doubts_about_bits(const Checkpoint* checkpoint, Job& job) {
  std::vector<std::string> doubts;
  std::string root;
  for (int rank = 0; rank < job.mpi.size(); ++rank) {
    const std::string one = broadcast_string(job.control, processor_description(), rank);
    if (rank == 0) root = one;
    if (one != root && doubts.empty()) {
      doubts.push_back(
          fmt::format("rank {} computes on another processor than rank 0: {} and {}; the bits "
                      "may depend on which rank has which columns",
                      rank, one, root));
    }
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
