#include "dist/communicator.hpp"

#include <sched.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace charrnn {

namespace {

/// Why a wait was in vain, as far as is known.
std::string absence_of(const std::vector<int>& missing) {
  constexpr std::size_t kMostNamed = 8;
  constexpr const char* kText = "{} did not arrive within the deadline (`timeout`); {} dead, frozen or cut off";
  if (missing.empty()) return fmt::format(kText, "the other ranks", "one is");
  if (missing.size() == 1) return fmt::format(kText, fmt::format("rank {}", missing[0]), "it is");
  const auto named = std::span(missing).first(std::min(missing.size(), kMostNamed));
  const std::size_t more = missing.size() - named.size();
  return fmt::format(
      kText, fmt::format("ranks {}{}", fmt::join(named, ", "), more > 0 ? fmt::format(" and {} more", more) : ""),
      "they are");
}

}  // namespace

CommError::CommError(int rank, std::int64_t step, std::string collective, std::uint64_t sequence, Seconds waited,
                     const std::string& reason, bool exit_at_once)
    : Error(ExitCode::kInterrupted, fmt::format("rank {}: {} (call {}) failed at step {} after {:.1f} s: {}", rank,
                                                collective, sequence, step, waited.count(), reason)),
      rank_(rank),
      step_(step),
      collective_(std::move(collective)),
      sequence_(sequence),
      waited_(waited),
      exit_at_once_(exit_at_once) {}

void Communicator::begin_all_reduce_sum(std::span<float> data) {
  begun_.emplace_back([this, data] { all_reduce_sum(data); });
}

void Communicator::begin_all_reduce_sum_after(Moment /*moment*/, std::span<float> data) {
  begin_all_reduce_sum(data);
}

void Communicator::begin_all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                    std::span<float> receive, std::span<const std::int64_t> receive_counts, Then then) {
  begun_.emplace_back([this, send, send_counts = std::vector(send_counts.begin(), send_counts.end()), receive,
                       receive_counts = std::vector(receive_counts.begin(), receive_counts.end()),
                       then = std::move(then)] {
    all_to_all(send, send_counts, receive, receive_counts);
    if (then) then();
  });
}

void Communicator::begin_all_gather(std::span<const float> mine, std::span<float> all,
                                    std::span<const std::int64_t> counts) {
  begun_.emplace_back(
      [this, mine, all, counts = std::vector(counts.begin(), counts.end())] { all_gather(mine, all, counts); });
}

void Communicator::finish_begun() {
  for (; !begun_.empty(); begun_.pop_front()) begun_.front()();
}

void Communicator::queue_begun() {
  finish_begun();
}

void Communicator::wait_queued(const std::function<bool()>& is_complete) {
  // Whatever needs other ranks has ended: only the device can be late, and a process whose device hangs cannot end in order.
  constexpr bool kExitAtOnce = true;
  Deadline deadline(timeout_);
  poll_until(is_complete, [&] {
    if (!deadline.has_passed()) return;
    throw CommError(
        rank(), step_, "device", sequence_, deadline.waited(),
        "it did not do its work within the deadline (`timeout`); it hangs, or one step takes longer than that",
        kExitAtOnce);
  });
}

void Communicator::wait(const Call& call, const std::function<bool()>& is_complete) {
  constexpr Seconds kMostToAnswer{1};  // of the deadline, for the roll call
  const Seconds to_answer = std::min(kMostToAnswer, timeout_ / 4);
  Deadline arrival(timeout_ - to_answer);
  std::optional<Deadline> answers;
  poll_until(is_complete, [&] {
    if (!arrival.has_passed()) return;
    if (!answers) {
      if (roll_call_) roll_call_->ask();
      answers.emplace(to_answer);
    }
    if (answers->has_passed()) {
      fail(call, arrival.waited(), absence_of(roll_call_ ? roll_call_->silent() : std::vector<int>()));
    }
  });
}

void Communicator::poll_until(const std::function<bool()>& is_complete, const std::function<void()>& look) {
  constexpr int kSpins = 200;  // a small all-reduce between idle cores ends within these
  for (std::uint64_t poll = 0; !is_complete(); ++poll) {
    if (poll < kSpins) continue;
    sched_yield();
    if (roll_call_) roll_call_->answer();
    look();
  }
}

void Communicator::fail(const Call& call, Seconds waited, const std::string& reason) const {
  throw CommError(rank(), call.step, call.collective, call.number, waited, reason, exits_at_once());
}

std::string broadcast_string(Communicator& communicator, std::string text, int root) {
  std::uint64_t length = text.size();
  communicator.broadcast(std::as_writable_bytes(std::span(&length, 1)), root);
  text.resize(length);
  communicator.broadcast(std::as_writable_bytes(std::span(text)), root);
  return text;
}

std::vector<std::string> gather_strings(Communicator& communicator, const std::string& mine) {
  std::vector<std::string> all;
  for (int rank = 0; rank < communicator.size(); ++rank) {
    all.push_back(broadcast_string(communicator, mine, rank));
  }
  return all;
}

}  // namespace charrnn
