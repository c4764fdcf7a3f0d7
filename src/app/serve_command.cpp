// charrnn_dist serve: a web page that shows runs as they train, and lets their models write.
#include <pthread.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>

#include "app/messages.hpp"
#include "app/precision_note.hpp"
#include "app/program.hpp"
#include "base/host.hpp"
#include "base/text.hpp"
#include "checkpoint/safetensors.hpp"
#include "serve/access.hpp"
#include "serve/server.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

struct ServeArguments {
  Strings paths;
  std::string bind = "127.0.0.1";
  std::int64_t port = 8080, threads = 1;
  bool token = false;
  ConfigSources sources;  ///< precision
};

/// While it lives the signals that end a server only wait to be asked for, in all threads that start from now on.
class HeldSignals {
 public:
  HeldSignals() {
    ::sigemptyset(&signals_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals_, number);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~HeldSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  bool come_within(std::chrono::seconds time) const {
    const timespec limit{time.count(), 0};
    return ::sigtimedwait(&signals_, nullptr, &limit) >= 0;
  }

 private:
  sigset_t signals_{}, before_{};
};

void tell_where(const ServeArguments& arguments, const Strings& paths, const Server& server) {
  const bool is_here = is_loopback(arguments.bind);
  const bool is_v6 = arguments.bind.find(':') != std::string::npos;
  const std::string host = is_here && !is_v6 ? arguments.bind : is_here ? "[" + arguments.bind + "]" : host_name();
  const std::string fragment = server.token().empty() ? "" : "#token=" + server.token();
  std::string what;
  for (const std::string& path : paths) what += (what.empty() ? "" : ", ") + for_shell(path);
  fmt::print("{} at http://{}:{}/{}\n", what, host, server.port(), fragment);
  if (is_here) {
    fmt::print("from another machine: ssh -L {0}:{1}:{0} {2}, then open http://localhost:{0}/{3}\n", server.port(),
               host, host_name(), fragment);
  }
  fmt::print("Ctrl-C ends it\n");
  std::fflush(stdout);
}

ExitCode serve(ServeArguments& arguments) {
  Strings paths = arguments.paths;
  if (paths.empty()) paths = {"runs", "models"};
  for (const std::string& path : paths) {
    require<UsageError>(!fs::exists(path) || fs::is_directory(path) || is_safetensors(path),
                        "'{}' is no folder of runs or models, no run, and no .safetensors file", path);
    if (!arguments.paths.empty() && !fs::exists(path)) tell_on_stderr(fmt::format("there is no '{}' yet", path));
  }
  RunConfig config;
  arguments.sources.given().apply(config);
  const HeldSignals signals;
  const Precision precision = precision_named(config.run.precision);
  // Which models will be asked for is not known yet. What is said of `precision` holds for the default one, an lstm.
  ThreadTeam team;
  precision_used(config.model, {.device = {}, .precision = precision, .team = team}, tell_on_stderr);
  Server server({.paths = {paths.begin(), paths.end()},
                 .bind = arguments.bind,
                 .port = static_cast<int>(arguments.port),
                 .threads = static_cast<int>(arguments.threads),
                 .precision = precision,
                 .wants_token = arguments.token});
  tell_where(arguments, paths, server);
  const std::future<void> running = std::async(std::launch::async, [&] { server.run(); });
  constexpr std::chrono::seconds kPatience{1};
  while (!signals.come_within(kPatience)) {
    if (running.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      throw Error(ExitCode::kInterrupted,
                  "no more connections can be taken: the system is out of files; start it again");
    }
  }
  server.stop();
  // A model may read a text for minutes. Nothing is lost with it.
  if (running.wait_for(kPatience) == std::future_status::timeout) std::_Exit(static_cast<int>(ExitCode::kDone));
  return ExitCode::kDone;
}

}  // namespace

Command serve_command() {
  auto arguments = std::make_shared<ServeArguments>();
  Command command("serve", "show runs in a web browser as they train, and let their models write");
  constexpr const char* kPaths =
      "folders of runs and models, or of one run, or .safetensors files (default: runs models)";
  command.add_paths("PATH", Argument::Kind::kWords, arguments->paths, kPaths).value = "[PATH...]";
  constexpr std::int64_t kLastPort = 65'535;
  command.add("port", &arguments->port, between(0, kLastPort), "N", "port to listen on; 0: any that is free");
  command.add("bind", &arguments->bind, {.free_text = true}, "ADDRESS",
              "address to listen on; if others can reach it, they need the token that is printed");
  command.add("token", arguments->token,
              "want a token on this machine too, where other people work on it: they can reach 127.0.0.1");
  command.add("threads", &arguments->threads, between(1, kMostThreads), "N", "threads that models compute with");
  command.add_training_options(arguments->sources, {"precision"});
  command.explain(
      "It only reads files: it can be started and ended at any time, and no training notices. docs/serve.md "
      "describes the page and what programs can ask.",
      {"charrnn_dist serve", "charrnn_dist serve runs/first --port 9000",
       "charrnn_dist serve models/nietzsche.safetensors",
       "ssh -L 8080:127.0.0.1:8080 cluster charrnn_dist serve /scratch/me/runs"});
  command.run_by([arguments] { return serve(*arguments); });
  return command;
}

}  // namespace charrnn
