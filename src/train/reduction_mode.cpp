#include "train/reduction_mode.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "base/error.hpp"
#include "base/program_version.hpp"
#include "base/text.hpp"
#include "models/engine.hpp"

namespace charrnn {

Sharding ReductionMode::sharding(std::int64_t columns, const Communicator& ranks) const {
  const std::int64_t micro_batches = reproducible_ ? std::min(micro_batches_, columns) : ranks.size();
  require_option(
      !noise_scale_ || micro_batches > 1, "noise-scale",
      "`noise-scale` compares the gradients of parts of a batch, and here is only one part: start more ranks, or "
      "use `reproducible` with at least 2 `micro-batches`");
  if (!reproducible_) return {micro_batches, ranks.rank(), ranks.size()};
  require_option(
      ranks.size() <= micro_batches_, "micro-batches",
      "{} ranks cannot share {} micro-batches: start fewer ranks, or raise `micro-batches` (another number of "
      "them gives other bits)",
      ranks.size(), micro_batches_);
  return {micro_batches, ranks.rank(), ranks.size()};
}

std::unique_ptr<GradientReducer> ReductionMode::make_reducer(LanguageModel& model, const Sharding& sharding,
                                                             Communicator& gradients) const {
  return reproducible_ ? make_tree_reducer(model, sharding, gradients, noise_scale_)
                       : make_all_reducer(model, sharding, gradients);
}

std::vector<std::string> ReductionMode::doubts(const std::string& processor, const CheckpointHeader* resumed,
                                               Communicator& control) const {
  if (!reproducible_) return {};
  std::vector<std::string> doubts;
  const std::vector<std::string> processors = gather_strings(control, processor);
  const std::string& root = processors.front();
  const auto other = std::ranges::find_if(processors, [&](const std::string& one) { return one != root; });
  if (other != processors.end()) {
    doubts.push_back(fmt::format(
        "rank {} computes on another processor than rank 0 ({}; {}): the bits may depend on which rank has which columns",
        other - processors.begin(), *other, root));
  }
  if (resumed == nullptr) return doubts;
  if (!resumed->processor.empty() && resumed->processor != root) {
    doubts.push_back(fmt::format(
        "the checkpoint was written on another processor, {}, and this is {}: the bits may differ from here on",
        resumed->processor, root));
  }
  if (resumed->program_version != kProgramVersion) {
    doubts.push_back(
        fmt::format("the checkpoint was written by charrnn_dist {}, and this is {}: the bits may differ from here on",
                    resumed->program_version, kProgramVersion));
  }
  return doubts;
}

Resources choose_resources(const RunConfig& config, const ReductionMode& mode, Communicator& control) {
  const std::vector<RankPlace> places = gather_places(control, place_here());
  Resources resources{
      .choice = {}, .hosts = count_hosts(places), .ranks_of_hosts = ranks_of_hosts(places), .warnings = {}};
  const char* const wish = std::getenv("OMP_NUM_THREADS");
  if (const std::int64_t given = mode.threads(config.run.threads, threads_decide_bits(config.model, config.run.engine));
      given > 0) {
    resources.choice.threads = static_cast<int>(given);
  } else if (const std::optional<int> wished = threads_of_environment(wish)) {
    resources.choice = {*wished, "OMP_NUM_THREADS"};
  } else {
    resources.choice = default_threads(places, control.rank());
    if (wish != nullptr) {
      resources.warnings.push_back(
          fmt::format("OMP_NUM_THREADS is '{}', which is no number of threads from 1 to {}: ignored", wish,
                      with_commas(kMostThreads)));
    }
  }
  std::vector<int> threads;
  for (const std::string& one : gather_strings(control, std::to_string(resources.choice.threads))) {
    threads.push_back(std::stoi(one));
  }
  const std::string warning = oversubscription(places, threads);
  if (!warning.empty()) resources.warnings.push_back(warning);
  return resources;
}

}  // namespace charrnn
