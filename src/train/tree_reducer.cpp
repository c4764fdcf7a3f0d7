#include <algorithm>
#include <utility>
#include <vector>

#include "base/summation_tree.hpp"
#include "models/flat_tensor.hpp"
#include "train/gradient_reducer.hpp"

namespace charrnn {

namespace {

/// A node of the tree: the groups [first, last).
struct Node {
  std::int64_t first = 0, last = 0;
  bool operator==(const Node&) const = default;
};

/// The largest nodes under `node` that lie wholly in `range`, from left to right.
void collect_largest(const Node& node, const Range& range, std::vector<Node>& found) {
  if (node.last <= range.first || node.first >= range.end()) return;
  if (range.first <= node.first && node.last <= range.end()) {
    found.push_back(node);
    return;
  }
  const std::int64_t middle = split(node.first, node.last);
  collect_largest({node.first, middle}, range, found);
  collect_largest({middle, node.last}, range, found);
}

class TreeReducer final : public GradientReducer {
 public:
  TreeReducer(LanguageModel& model, const Sharding& sharding, Communicator& communicator)
      : model_(model), communicator_(communicator), groups_(sharding.groups), size_(model.layout().size()) {
    for (int rank = 0; rank < communicator.size(); ++rank) {
      collect_largest({0, groups_}, share_of(groups_, rank, communicator.size()), nodes_.emplace_back());
      rounds_ = std::max(rounds_, nodes_.back().size());
      slices_.push_back(share_of(size_, rank, communicator.size()).count);
    }
    const at::Tensor gradient = wrap(model.gradient(), model.device());
    for (const Node& node : nodes_[static_cast<std::size_t>(communicator.rank())]) {
      buffers_.push_back(buffers_.empty() ? gradient : at::zeros_like(gradient));
      sums_.push_back({node.last - node.first, span_of(buffers_.back())});
    }
    if (communicator.size() > 1) {
      received_ = at::zeros({all_nodes() * own_slice()}, gradient.options());
    }
  }

  void sum(std::int64_t step, const std::function<void(std::span<const GradientSum>)>& train) override {
    train(sums_);
    communicator_.set_step(step);
    if (communicator_.size() > 1) exchange();
  }

 private:
  std::int64_t own_slice() const { return slices_[static_cast<std::size_t>(communicator_.rank())]; }
  std::int64_t all_nodes() const {
    std::int64_t count = 0;
    for (const std::vector<Node>& nodes : nodes_) count += std::ssize(nodes);
    return count;
  }

  /// This rank's slice of every node of every rank; then their sum, to all.
  void exchange() {
    const auto rank = static_cast<std::size_t>(communicator_.rank());
    std::vector<std::pair<Node, at::Tensor>> slices;
    std::int64_t at = 0;
    for (std::size_t round = 0; round < rounds_; ++round) {  // every rank's node number `round`
      const bool gives = round < nodes_[rank].size();
      const std::vector<std::int64_t> nothing(slices_.size(), 0);
      std::vector<std::int64_t> counts;
      const std::int64_t start = at;
      for (const std::vector<Node>& nodes : nodes_) {
        counts.push_back(round < nodes.size() ? own_slice() : 0);
        if (round < nodes.size()) slices.emplace_back(nodes[round], received_.slice(0, at, at + own_slice()));
        at += counts.back();
      }
      communicator_.all_to_all(gives ? span_of(buffers_[round]) : std::span<float>(),
                               gives ? slices_ : nothing, span_of(received_.slice(0, start, at)), counts);
    }
    const at::Tensor total = add_up({0, groups_}, slices);
    communicator_.all_gather(span_of(total), model_.gradient(), slices_);
  }

  static at::Tensor add_up(const Node& node, const std::vector<std::pair<Node, at::Tensor>>& slices) {
    const auto known =
        std::find_if(slices.begin(), slices.end(), [&](const auto& slice) { return slice.first == node; });
    if (known != slices.end()) return known->second;
    const std::int64_t middle = split(node.first, node.last);
    at::Tensor left = add_up({node.first, middle}, slices);
    return left.add_(add_up({middle, node.last}, slices));
  }

  LanguageModel& model_;
  Communicator& communicator_;
  std::int64_t groups_, size_;
  std::vector<std::vector<Node>> nodes_;  ///< that each rank adds up by itself
  std::size_t rounds_ = 0;                ///< most nodes of a rank
  std::vector<std::int64_t> slices_;      ///< elements that each rank adds up for all
  std::vector<at::Tensor> buffers_;       ///< of this rank's nodes; the first one is the model's gradient
  std::vector<GradientSum> sums_;         ///< the same for the model
  at::Tensor received_;
};

}  // namespace

std::unique_ptr<GradientReducer> make_tree_reducer(LanguageModel& model, const Sharding& sharding,
                                                   Communicator& communicator) {
  return std::make_unique<TreeReducer>(model, sharding, communicator);
}

}  // namespace charrnn
