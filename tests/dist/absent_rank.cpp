// absent_rank COLLECTIVE [again]: one rank stays away from that collective, waiting in a plain MPI_Recv; `again`: it came to
// the same one before. The ranks that need it check the CommError they get and tell it. Every rank then ends as the program
// would, with 75 and without MPI_Finalize; with 1 if anything was not as promised; with 77 if this machine cannot run it.
#include <mpi.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>

#include "config/model_config.hpp"
#include "dist/subject.hpp"

using namespace charrnn;

namespace {

constexpr Seconds kTimeout{0.5};
constexpr int kStep = 1234;

[[noreturn]] void leave(int code) {
  std::fflush(stdout);
  std::fflush(stderr);
  std::_Exit(code);
}

/// The collectives, each with one number for every rank. The root is rank 0.
void call(Communicator& subject, const std::string& collective) {
  const auto size = static_cast<std::size_t>(subject.size());
  const std::vector<std::int64_t> counts(size, 1);
  test::Buffer<float> one({1}), many(std::vector<float>(size, 1)), all(std::vector<float>(size, 0));
  test::Buffer<double> precise({1});
  test::Buffer<std::byte> bytes(std::vector<std::byte>(4));
  const std::map<std::string, std::function<void()>> calls = {
      {"all_reduce_sum", [&] { subject.all_reduce_sum(one.span()); }},
      {"all_reduce_sum_double", [&] { subject.all_reduce_sum(precise.span()); }},
      {"all_reduce_sum_begun",
       [&] {
         subject.begin_all_reduce_sum(one.span());
         subject.poll();
         subject.finish_begun();
       }},
      {"all_reduce_sum_of_layers",
       [&] {
         // Of the largest model: none of them may wait for the others before the last has begun.
         test::Buffer<float> gradient(std::vector<float>(kMostLayers + 1, 1));
         const auto begin = [&](std::size_t layer) noexcept {
           subject.begin_all_reduce_sum(gradient.span().subspan(layer, 1));
         };
         for (std::size_t layer = 0; layer < gradient.span().size(); ++layer) begin(layer);
         subject.finish_begun();
       }},
      {"all_to_all_begun",
       [&] {
         subject.begin_all_to_all(many.span(), counts, all.span(), counts,
                                  [&] { subject.begin_all_gather(one.span(), many.span(), counts); });
         subject.poll();
         subject.finish_begun();
       }},
      {"all_reduce_sum_queued",
       [&] {
         subject.begin_all_reduce_sum(one.span());
         subject.queue_begun();
         const std::function<bool()> mark = test::mark_of_subject();
         subject.set_step(kStep + 1);  // the next step is in the queue before the wait for this one
         subject.wait_queued(mark);
       }},
      {"all_to_all", [&] { subject.all_to_all(many.span(), counts, all.span(), counts); }},
      {"all_gather", [&] { subject.all_gather(one.span(), all.span(), counts); }},
      {"gather", [&] { subject.gather(one.span(), all.span(), counts, 0); }},
      {"broadcast", [&] { subject.broadcast(bytes.span(), 0); }},
      {"barrier", [&] { subject.barrier(); }},
  };
  calls.at(collective)();
}

/// A broadcast needs its root; a gather fails at its root only.
int absent_rank(const std::string& collective, int size) {
  return collective == "broadcast" ? 0 : size - 1;
}

std::string wrong_with(const CommError& error, const Communicator& subject, const std::string& collective, int calls) {
  std::string name = collective;
  for (const std::string one : {"all_reduce_sum", "all_to_all"}) {
    if (collective.starts_with(one)) name = one;
  }
  const double limit = kTimeout.count();
  if (error.rank() != subject.rank()) return "wrong rank";
  if (error.step() != kStep) return "wrong step";
  if (error.collective() != name) return "wrong collective";
  if (error.sequence() != static_cast<std::uint64_t>(calls)) return "wrong call number";
  if (error.code() != ExitCode::kInterrupted) return "wrong exit code";
  if (error.waited().count() < limit || error.waited().count() > limit + 1) return "waited too short or too long";
  const std::string start =
      fmt::format("rank {}: {} (call {}) failed at step {} after ", subject.rank(), name, calls, kStep);
  if (!std::string(error.what()).starts_with(start)) return "the message does not name rank, call and step";
  // The others may have ended their own wait by then, and be missing, too.
  const std::string said = error.what(), rest = " did not arrive within the deadline";
  const std::size_t end = said.find(rest), begin = said.rfind(": rank", end);
  if (end == std::string::npos || begin == std::string::npos) return "the message does not name who is absent";
  const std::string ranks = said.substr(begin, end - begin) + ",";  // ": ranks 1, 2,"
  if (ranks.find(fmt::format(" {},", absent_rank(collective, subject.size()))) == std::string::npos) {
    return "the message does not name the rank that is absent";
  }
  return test::wrong_after(error);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string collective = argv[1];
  const MpiSession session;
  if (const std::string why = test::cannot_run(session); !why.empty()) {
    if (session.rank() == 0) std::printf("skipped: %s\n", why.c_str());
    return 77;
  }
  const std::unique_ptr<Communicator> subject = test::make_subject(session, Seconds(20));
  subject->barrier();
  subject->barrier();
  if (argc > 2) call(*subject, collective);
  const int calls = static_cast<int>(subject->sequence()) + 1;
  subject->set_timeout(kTimeout);
  subject->set_step(kStep);

  const int absent = absent_rank(collective, session.size());
  int good = 1;
  if (session.rank() == absent) {
    for (int other = 0; other < session.size(); ++other) {
      int verdict = 0;
      if (other == absent) continue;
      MPI_Recv(&verdict, 1, MPI_INT, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      good = good != 0 && verdict != 0 ? 1 : 0;
    }
    for (int other = 0; other < session.size(); ++other) {
      if (other != absent) MPI_Send(&good, 1, MPI_INT, other, 0, MPI_COMM_WORLD);
    }
    leave(good != 0 ? 75 : 1);
  }
  std::string wrong = collective == "gather" && session.rank() != 0 ? "" : "no CommError";
  try {
    call(*subject, collective);
  } catch (const CommError& error) {
    wrong = wrong_with(error, *subject, collective, calls);
    std::fprintf(stderr, "%s\n", error.what());
  }
  if (!wrong.empty()) std::fprintf(stderr, "rank %d: %s\n", session.rank(), wrong.c_str());
  good = wrong.empty() ? 1 : 0;
  MPI_Send(&good, 1, MPI_INT, absent, 0, MPI_COMM_WORLD);
  MPI_Recv(&good, 1, MPI_INT, absent, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  leave(good != 0 ? 75 : 1);
}
