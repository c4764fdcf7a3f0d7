// What programs, and the page, can ask the server for. docs/serve.md describes it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "serve/limits.hpp"
#include "serve/model_desk.hpp"
#include "serve/model_requests.hpp"
#include "serve/run_catalog.hpp"

namespace httplib {
struct Request;
struct Response;
class Server;
}  // namespace httplib

namespace charrnn {

/// Answers from several threads of `http` at once.
///
///     Api api({"runs", "models"}, /*threads=*/1, Precision::kFp32);
///     api.add_to(http);
class Api {
 public:
  /// `paths` as for RunCatalog, the others as for ModelDesk.
  Api(const std::vector<std::filesystem::path>& paths, int threads, Precision precision)
      : catalog_(paths), desk_(threads, precision) {}

  /// Its requests, from now on. `http` must not use them any more when this ends.
  void add_to(httplib::Server& http);
  /// Ends what would go on for ever: /events.
  void stop();

 private:
  void runs(httplib::Response& response);
  void run(const httplib::Request& request, httplib::Response& response);
  void metrics(httplib::Response& response);
  void events(const httplib::Request& request, httplib::Response& response);
  void sample(const httplib::Request& request, httplib::Response& response);
  template <class Read, class Answer>
  void with_model(httplib::Response& response, const Read& read, const Answer& answer);

  /// The checkpoint that is wanted. Nothing: it is refused.
  std::optional<std::filesystem::path> file_for(const ModelRequest& wanted, httplib::Response& response);
  /// Waits, at most so long, and says whether the server stops.
  bool wait(std::chrono::milliseconds time);

  RunCatalog catalog_;
  ModelDesk desk_;
  Places followers_{kMostFollowers}, writers_{kMostWriters}, readers_{kMostReaders};
  Rate rate_{/*per_second=*/10, /*burst=*/30};
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;
};

}  // namespace charrnn
