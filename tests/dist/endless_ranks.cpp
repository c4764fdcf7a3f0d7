// endless_ranks FOLDER: steps of a small all-reduce, a gradient's and a barrier until the ranks are told to stop, as in
// training without the training; rank r freezes before its end if there is a FOLDER/freeze<r>. Every rank writes
// FOLDER/rank<r>.pid once all of them have done a hundred steps. On an error it ends as the program does, by run_job: one
// line on standard error and an exit code.
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "app/job.hpp"

using namespace charrnn;

namespace {

constexpr Seconds kTimeout{2};
constexpr std::int64_t kReady = 100;
constexpr std::size_t kGradient = 100'000;

ExitCode step_until_stopped(Job& job, const std::filesystem::path& folder) {
  job.control.set_timeout(kTimeout);
  const auto gradients = job.control.make_gradient_communicator(
      "auto", Device{}, kTimeout, [](const std::string& line) { throw Error(ExitCode::kBug, line); });
  const std::span<float> gradient = gradients->memory_for_sums(kGradient);
  require(!gradient.empty(), "the ranks share no memory");
  const std::filesystem::path note = folder / fmt::format("rank{}.pid", job.mpi.rank());
  for (std::int64_t step = 0;; ++step) {
    job.control.set_step(step);
    std::array<double, 1> stop{std::filesystem::exists(folder / "stop") ? 1.0 : 0.0};
    job.control.all_reduce_sum(stop);
    if (stop[0] > 0) {
      const bool freezes = std::filesystem::exists(folder / fmt::format("freeze{}", job.mpi.rank()));
      if (freezes) std::raise(SIGSTOP);
      return ExitCode::kDone;
    }
    gradients->set_step(step);
    gradients->all_reduce_sum(gradient);
    job.control.barrier();
    if (step != kReady) continue;
    std::ofstream(note.string() + ".part") << getpid();
    std::filesystem::rename(note.string() + ".part", note);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  return static_cast<int>(run_job([&](Job& job) { return step_until_stopped(job, argv[1]); }, "use fewer ranks"));
}
