// The web server behind `charrnn_dist serve`. docs/serve.md describes what can be asked.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "models/precision.hpp"

namespace charrnn {

struct ServerOptions {
  std::vector<std::filesystem::path> paths = {"runs"};  ///< as RunCatalog takes them
  std::string bind = "127.0.0.1";
  int port = 8080;                         ///< 0: any that is free
  int threads = 1;                         ///< that models compute with
  Precision precision = Precision::kFp32;  ///< the same
  bool wants_token = false;
};

/// Reads the files of runs, and never writes one. It has no part in a training: it may be started and ended at any time.
///
///     Server server({.paths = {"runs", "models"}});
///     std::jthread thread([&] { server.run(); });
///     …
///     server.stop();
class Server {
 public:
  /// Listens. UsageError if that is not possible.
  explicit Server(const ServerOptions& options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const;
  const std::string& token() const;  ///< empty: none is needed

  /// Answers until stop(); returns at once if that came before.
  void run();
  /// From another thread, at any time: run() returns within a second, or when the models have read what they are reading.
  void stop();

 private:
  class Routes;
  std::unique_ptr<Routes> routes_;
};

}  // namespace charrnn
