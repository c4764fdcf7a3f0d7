#include "train/replica_check.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/sha256.hpp"

namespace charrnn {

namespace {

/// One digest after the other, in the layout's order.
std::string digests_of(const ParameterLayout& layout, std::span<const float> parameters) {
  std::string digests;
  for (const Parameter& parameter : layout.parameters()) {
    Sha256 hash;
    hash.update(parameters.data() + parameter.offset,
                static_cast<std::size_t>(parameter.size) * sizeof(float));
    digests += hash.hex();
  }
  return digests;
}

/// The message for ranks of which not all have the same digests.
std::string difference(const ParameterLayout& layout, const std::vector<std::string>& digests) {
  const auto holders = [&](const std::string& one) {
    return static_cast<std::size_t>(std::count(digests.begin(), digests.end(), one));
  };
  const std::string& most = *std::max_element(
      digests.begin(), digests.end(), [&](const auto& a, const auto& b) { return holders(a) < holders(b); });
  std::vector<std::size_t> others;
  for (std::size_t rank = 0; rank < digests.size(); ++rank) {
    if (digests[rank] != most) others.push_back(rank);
  }
  const auto place =
      std::mismatch(most.begin(), most.end(), digests[others.front()].begin()).first - most.begin();
  const auto index = static_cast<std::size_t>(place) * layout.parameters().size() / most.size();
  const bool is_majority = 2 * holders(most) > digests.size();
  return fmt::format("rank {} {} other parameters than {}, first in '{}'", fmt::join(others, ", "),
                     others.size() == 1 ? "holds" : "hold",
                     is_majority ? "the others" : "the rest (and it cannot be told whose are right)",
                     layout.parameters()[index].name);
}

}  // namespace

void check_replicas(const ParameterLayout& layout, std::span<const float> parameters, std::int64_t step,
                    Communicator& control) {
  const std::string mine = digests_of(layout, parameters);
  std::array<double, 1> differing{mine == broadcast_string(control, mine, 0) ? 0.0 : 1.0};
  control.all_reduce_sum(differing);
  if (differing[0] == 0) return;
  const std::vector<std::string> digests = gather_strings(control, mine);
  throw Error(
      ExitCode::kInterrupted,
      fmt::format("after step {} {}: faulty memory, or nodes with different processors or libraries; the "
                  "newest checkpoint is from before, go on from it with `resume`",
                  step, difference(layout, digests)));
}

}  // namespace charrnn
