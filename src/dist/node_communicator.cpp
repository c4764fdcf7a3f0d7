#include "dist/node_communicator.hpp"

#include <mpi.h>

#include <algorithm>
#include <deque>
#include <future>
#include <thread>
#include <utility>

#include "config/model_config.hpp"
#include "dist/node_sums.hpp"

namespace charrnn {

namespace {

static_assert(NodeSums::kMost > kMostLayers, "no sum of a layer's gradient waits for others before it begins");

/// Where this rank stands among the ranks of its node.
struct Place {
  std::vector<std::size_t> neighbours;  ///< ranks of the node, this one among them
  std::size_t own = 0;                  ///< which of them this one is
  std::size_t fewest = 0, most = 0;     ///< ranks of a node, of all nodes
  bool is_only_node = true;

  Place(const std::vector<std::string>& nodes, std::size_t rank) : fewest(nodes.size()) {
    for (std::size_t other = 0; other < nodes.size(); ++other) {
      const auto ranks = static_cast<std::size_t>(std::ranges::count(nodes, nodes[other]));
      fewest = std::min(fewest, ranks);
      most = std::max(most, ranks);
      if (nodes[other] != nodes[rank]) {
        is_only_node = false;
      } else {
        if (other == rank) own = neighbours.size();
        neighbours.push_back(other);
      }
    }
  }
};

/// The first of everyone's texts that is not empty.
std::string first_said(Communicator& control, const std::string& mine) {
  const std::vector<std::string> all = gather_strings(control, mine);
  const auto said = std::ranges::find_if(all, [](const std::string& one) { return !one.empty(); });
  return said == all.end() ? "" : *said;
}

/// The memory of all ranks of the node, of so many bytes each; else why it cannot be had, the same on every rank.
std::pair<std::vector<SharedMemory>, std::string> share_memory(Communicator& control, const Place& place,
                                                               std::size_t bytes) {
  std::vector<SharedMemory> all;
  std::string handle, why;
  std::optional<SharedMemory> mine;
  try {
    mine.emplace(bytes);
    handle = mine->handle();
  } catch (const Error& error) {
    why = fmt::format("rank {}: {}", control.rank(), error.what());
  }
  const auto take_mine = [&mine] { return std::move(mine); };
  const std::vector<std::string> handles = gather_strings(control, handle);
  for (const std::size_t rank : place.neighbours) {
    const bool is_mine = rank == static_cast<std::size_t>(control.rank());
    std::optional<SharedMemory> found = is_mine ? take_mine() : SharedMemory::open(handles[rank]);
    if (found) {
      all.push_back(std::move(*found));
    } else if (why.empty() && !handles[rank].empty()) {  // who has none says why itself
      why = fmt::format("rank {} cannot reach the memory of rank {}; are they in different containers?", control.rank(),
                        rank);
    }
  }
  return {std::move(all), first_said(control, why)};
}

}  // namespace

struct NodeCommunicator::Sums {
  enum class Stage { kAdd, kBetween, kSpread };
  /// A sum that was begun and is not complete.
  struct Begun {
    Call call;
    std::uint64_t number;
    std::span<float> share;  ///< this rank's
    Range range, rest;       ///< the same by elements of the sum; what of it the stage has still to do
    Stage stage = Stage::kAdd;
    MPI_Request between = MPI_REQUEST_NULL;
  };

  NodeSums of_node;
  bool is_only_node;
  MPI_Comm across = MPI_COMM_NULL;  ///< the ranks of all nodes with the same share, of several nodes
  std::deque<Begun> begun = {};
  std::size_t worked_at = 0;  ///< of these; this rank has done its part of those before
  std::uint64_t next = 0;     ///< number of the sum that begins next
  int failure = MPI_SUCCESS;  ///< of the first call to MPI that failed

  void note(int code) {
    if (failure == MPI_SUCCESS) failure = code;
  }

  void begin(const Call& call, std::span<float> data) {
    const Range mine = of_node.share(data.size());
    of_node.begin(data);
    begun.push_back({.call = call, .number = next++, .share = part_of(data, mine), .range = mine, .rest = mine});
  }

  /// A piece of this rank's work on the first sum that lacks some.
  void advance() {
    if (failure != MPI_SUCCESS || worked_at == begun.size()) return;  // finish_begun() says so
    Begun& sum = begun[worked_at];
    if (sum.stage == Stage::kAdd) {
      if (!of_node.have_begun(sum.number)) return;
      of_node.add(sum.number, next_piece(sum), is_only_node ? NodeSums::Into::kAll : NodeSums::Into::kOwn);
      if (sum.rest.count > 0) return;
      if (across != MPI_COMM_NULL) return begin_between(sum);
    } else if (sum.stage == Stage::kBetween) {
      int done = 0;
      note(MPI_Test(&sum.between, &done, MPI_STATUS_IGNORE));
      if (failure != MPI_SUCCESS || done == 0) return;
      sum.stage = Stage::kSpread;
      return;
    } else {
      of_node.spread(sum.number, next_piece(sum));
      if (sum.rest.count > 0) return;
    }
    of_node.end(sum.number);
    ++worked_at;
  }

  void begin_between(Begun& sum) {
    sum.stage = Stage::kBetween;
    sum.rest = sum.range;
    note(MPI_Iallreduce(MPI_IN_PLACE, sum.share.data(), static_cast<int>(sum.share.size()), MPI_FLOAT, MPI_SUM, across,
                        &sum.between));
  }

  /// Off the rest.
  Range next_piece(Begun& sum) const {
    // Floats of all ranks, a tenth of a millisecond: a poll must not take long.
    constexpr std::int64_t kAtOnce = std::int64_t{1} << 18;
    const std::int64_t most = std::max<std::int64_t>(1024, kAtOnce / static_cast<std::int64_t>(of_node.ranks()));
    const Range piece{sum.rest.first, std::min(most, sum.rest.count)};
    sum.rest = {piece.end(), sum.rest.count - piece.count};
    return piece;
  }

  bool first_is_complete() const { return of_node.have_ended(begun.front().number); }
  void leave_first() {
    begun.pop_front();
    --worked_at;
  }
};

NodeCommunicator::NodeCommunicator(const MpiSession& session, Seconds timeout, Warn warn, std::string node)
    : MpiCommunicator(session, timeout), warn_(std::move(warn)), node_(std::move(node)) {}

NodeCommunicator::~NodeCommunicator() = default;

std::string NodeCommunicator::name() const {
  if (sums_ == nullptr) return MpiCommunicator::name();
  return sums_->is_only_node ? "shared memory" : "shared memory and MPI";
}

std::span<float> NodeCommunicator::memory_for_sums(std::size_t floats) {
  constexpr std::size_t kMost = std::size_t{1} << 30;  // MPI counts elements in an int
  if (floats == 0) return {};
  if (floats > kMost) {
    warn_("the ranks of a node sum over MPI, which is slower: the model has more than 2^30 parameters");
    return {};
  }
  const Place place(gather_strings(*this, node_), static_cast<std::size_t>(rank()));
  if (place.most == 1) return {};
  auto [memory, why] = share_memory(*this, place, NodeSums::bytes_for(floats));
  if (!why.empty()) {
    warn_(fmt::format("the ranks of a node share no memory, and sum over MPI, which is slower: {}", why));
    return {};
  }
  sums_ = std::make_unique<Sums>(
      Sums{.of_node = NodeSums(std::move(memory), place.own, place.fewest), .is_only_node = place.is_only_node});
  if (!place.is_only_node) split_by_share(place.own < place.fewest ? static_cast<int>(place.own) : MPI_UNDEFINED);
  return sums_->of_node.memory();
}

void NodeCommunicator::split_by_share(int share) {
  // MPI can split only in a call that blocks. It gets a thread of its own, which is left behind if another rank never comes;
  // until the call ends MPI is that thread's alone, so there is no roll call.
  std::packaged_task<std::pair<int, MPI_Comm>()> task([share, rank = rank()] {
    MPI_Comm across = MPI_COMM_NULL;
    const int code = MPI_Comm_split(MPI_COMM_WORLD, share, rank, &across);
    return std::pair(code, across);
  });
  std::future<std::pair<int, MPI_Comm>> result = task.get_future();
  const Call call = next_call("comm_split");
  const std::shared_ptr<RollCall> roll_call_before = roll_call();
  set_roll_call(nullptr);
  is_splitting_ = true;
  std::thread(std::move(task)).detach();
  wait(call, [&] { return result.wait_for(Seconds(0)) == std::future_status::ready; });
  is_splitting_ = false;
  set_roll_call(roll_call_before);
  const auto [code, across] = result.get();
  check(call, code);
  sums_->across = across;
  if (across != MPI_COMM_NULL) MPI_Comm_set_errhandler(across, MPI_ERRORS_RETURN);
}

void NodeCommunicator::all_reduce_sum(std::span<float> data) {
  begin_all_reduce_sum(data);
  finish_begun();
}

void NodeCommunicator::begin_all_reduce_sum(std::span<float> data) {
  // A `then` runs on each rank at another moment, and sums of a node have one order.
  if (sums_ == nullptr || data.empty() || !sums_->of_node.holds(data) || runs_then()) {
    return MpiCommunicator::begin_all_reduce_sum(data);
  }
  if (sums_->begun.size() == NodeSums::kMost) finish_begun();
  sums_->begin(next_call("all_reduce_sum"), data);
}

void NodeCommunicator::poll() {
  if (sums_ != nullptr) {
    sums_->advance();
    while (!sums_->begun.empty() && sums_->first_is_complete()) sums_->leave_first();
    if (!sums_->begun.empty()) return;  // a `then` comes after all that began before its call
  }
  MpiCommunicator::poll();
}

void NodeCommunicator::finish_begun() {
  while (sums_ != nullptr && !sums_->begun.empty()) {
    const Call call = sums_->begun.front().call;
    wait(call, [&] {
      sums_->advance();
      check(call, sums_->failure);
      return sums_->first_is_complete();
    });
    sums_->leave_first();
  }
  MpiCommunicator::finish_begun();
}

}  // namespace charrnn
