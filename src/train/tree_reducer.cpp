#include <algorithm>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/summation_tree.hpp"
#include "train/flat_buffer.hpp"
#include "train/gradient_reducer.hpp"

namespace charrnn {

namespace {

/// A node of the tree: the micro-batches [first, last).
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
  TreeReducer(LanguageModel& model, const Sharding& sharding, Communicator& communicator, bool in_parts)
      : GradientReducer(model, communicator),
        total_(model.gradient()),
        device_(model.device()),
        micro_batches_(sharding.micro_batches) {
    for (int rank = 0; rank < communicator.size(); ++rank) {
      collect_largest({0, micro_batches_}, share_of(micro_batches_, rank, communicator.size()), nodes_.emplace_back());
      rounds_ = std::max(rounds_, nodes_.back().size());
    }
    if (in_parts && communicator.size() == 1 && micro_batches_ > 1) {
      const std::int64_t middle = split(0, micro_batches_);
      nodes_[own()] = {{0, middle}, {middle, micro_batches_}};
    }
    for (const Node& node : nodes_[own()]) {
      if (!sums_.empty()) buffers_.emplace_back(device_, std::ssize(total_));
      sums_.push_back({node.last - node.first, buffers_.empty() ? total_ : buffers_.back().span()});
    }
    if (communicator.size() == 1) return;
    for (const Range& part : parts()) exchanges_.push_back(make_exchange(part));
  }

  std::span<const GradientSum> sums() const override { return sums_; }

 private:
  /// Of one part of the gradient.
  struct Exchange {
    FlatBuffer memory;                 ///< of what the others send
    std::vector<std::int64_t> slices;  ///< elements that each rank adds up for all
    /// Of each round, this rank's slice of what the others sent, rank by rank; and how much each sends.
    std::vector<std::span<float>> received = {};
    std::vector<std::vector<std::int64_t>> counts = {};
    std::vector<std::pair<Node, std::span<float>>> nodes = {};  ///< the same, node by node
  };

  std::size_t own() const { return static_cast<std::size_t>(communicator().rank()); }

  Exchange make_exchange(const Range& part) const {
    require_option(part.count <= std::numeric_limits<std::int32_t>::max(), "reproducible",
                   "`reproducible` cannot sum the gradient of a layer of more than 2^31 - 1 parameters");
    std::vector<std::int64_t> slices;
    const int size = communicator().size();
    for (int rank = 0; rank < size; ++rank) {
      slices.push_back(slice_of(part.count, rank, size).count);  // equal: NCCL gathers them at once
    }
    const auto slice = static_cast<std::size_t>(slices[own()]);
    std::size_t all = 0;
    for (const std::vector<Node>& nodes : nodes_) all += nodes.size();
    Exchange exchange{.memory = FlatBuffer(device_, static_cast<std::int64_t>(all * slice)),
                      .slices = std::move(slices)};
    std::span<float> rest = exchange.memory.span();
    for (std::size_t round = 0; round < rounds_; ++round) {  // every rank's node number `round`
      const std::span<float> start = rest;
      std::vector<std::int64_t>& counts = exchange.counts.emplace_back();
      for (const std::vector<Node>& nodes : nodes_) {
        const bool gives = round < nodes.size();
        counts.push_back(gives ? exchange.slices[own()] : 0);
        if (!gives) continue;
        exchange.nodes.emplace_back(nodes[round], rest.first(slice));
        rest = rest.subspan(slice);
      }
      exchange.received.push_back(start.first(start.size() - rest.size()));
    }
    return exchange;
  }

  /// This rank's slice of every node of every rank; then their sum, to all.
  void begin_part(std::size_t part) override {
    const Exchange& exchange = exchanges_[part];
    const std::vector<std::int64_t> nothing(exchange.slices.size(), 0);
    for (std::size_t round = 0; round < rounds_; ++round) {
      const bool gives = round < sums_.size(), is_last = round + 1 == rounds_;
      communicator().begin_all_to_all(gives ? part_of(sums_[round].gradient, parts()[part]) : std::span<float>(),
                                      gives ? exchange.slices : nothing, exchange.received[round],
                                      exchange.counts[round],
                                      is_last ? [this, part] { finish(part); } : std::function<void()>());
    }
  }

  void finish_alone() override {
    if (sums_.size() == 2) add(sums_[0].gradient, sums_[1].gradient);  // the root's two sides
  }

  void finish(std::size_t part) {
    const Exchange& exchange = exchanges_[part];
    communicator().begin_all_gather(add_up({0, micro_batches_}, exchange), part_of(total_, parts()[part]),
                                    exchange.slices);
  }

  std::span<float> add_up(const Node& node, const Exchange& exchange) const {
    const auto known = std::ranges::find(exchange.nodes, node, &std::pair<Node, std::span<float>>::first);
    if (known != exchange.nodes.end()) return known->second;
    const std::int64_t middle = split(node.first, node.last);
    const std::span<float> left = add_up({node.first, middle}, exchange);
    add(left, add_up({middle, node.last}, exchange));
    return left;
  }

  void add(std::span<float> to, std::span<float> more) const {
    FlatMath(device_).add(to, more);  // on CPUs by the thread that polls: the model's others have the cores
  }

  std::span<float> total_;
  Device device_;
  std::int64_t micro_batches_;
  std::vector<std::vector<Node>> nodes_;  ///< that each rank adds up by itself
  std::size_t rounds_ = 0;                ///< most nodes of a rank
  std::vector<FlatBuffer> buffers_;       ///< of this rank's nodes but the first, which has the model's
  std::vector<GradientSum> sums_;
  std::vector<Exchange> exchanges_;
};

}  // namespace

std::unique_ptr<GradientReducer> make_tree_reducer(LanguageModel& model, const Sharding& sharding,
                                                   Communicator& communicator, bool in_parts) {
  return std::make_unique<TreeReducer>(model, sharding, communicator, in_parts);
}

}  // namespace charrnn
