// Reads the checkpoints that standard input names, each in a process of its own with little memory and time, as `inspect`
// does: digest, contents, model. Writes a line for each: the exit code, or minus the signal, and the message. The program
// itself takes most of a second to start.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "sample/loaded_model.hpp"

namespace {

int read_one(const std::string& path) {
  try {
    charrnn::ThreadTeam team;
    const auto ignore = [](const std::string&) {};
    const std::string file = charrnn::resolve_checkpoint(path, charrnn::Pick::kNewest, ignore).file.string();
    charrnn::load_model(file, {.device = {}, .team = team}, charrnn::Parts::kAll);
    return 0;
  } catch (const charrnn::Error& error) {
    std::cout << charrnn::without_controls(error.what()) << std::flush;
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::cout << error.what() << std::flush;
    return static_cast<int>(charrnn::ExitCode::kBug);
  }
}

void limit(int resource, rlim_t most) {
  const rlimit limits{most, most};
  ::setrlimit(resource, &limits);
}

}  // namespace

int main(int argc, char** argv) {
  const rlim_t bytes = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : RLIM_INFINITY;
  for (std::string path; std::getline(std::cin, path);) {
    const pid_t child = ::fork();
    if (child == 0) {
      limit(RLIMIT_AS, bytes);
      limit(RLIMIT_CORE, 0);
      limit(RLIMIT_CPU, 5);
      ::_exit(read_one(path));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    std::cout << '\t' << (WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)) << std::endl;
  }
  return 0;
}
