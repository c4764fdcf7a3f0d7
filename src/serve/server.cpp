#include "serve/server.hpp"

#include <httplib.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "serve/access.hpp"
#include "serve/answers.hpp"
#include "serve/event_stream.hpp"
#include "serve/limits.hpp"
#include "serve/model_answers.hpp"
#include "serve/page_files.hpp"
#include "serve/prometheus.hpp"
#include "serve/run_catalog.hpp"

namespace charrnn {

namespace {

using httplib::DataSink;
using httplib::Request;
using httplib::Response;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr const char* kJson = "application/json";

enum Status : int {
  kBadRequest = 400,
  kNotFound = 404,
  kTooLong = 414,
  kCannot = 422,
  kTooMany = 429,
  kFault = 500,
  kBusy = 503
};

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void refuse(Response& response, int status, const std::string& why) {
  response.status = status;
  response.set_content(as_text({{"error", why}}), kJson);
}

/// Errors of `work` become an answer.
template <class Work>
void answer_by(Response& response, const Work& work) {
  try {
    work();
  } catch (const UsageError& error) {
    refuse(response, kBadRequest, error.what());
  } catch (const DataError& error) {
    refuse(response, kCannot, error.what());
  } catch (const std::exception& error) {
    refuse(response, kFault, error.what());
  }
}

/// Every page of another origin is kept out, and no script runs but the page's own files.
const httplib::Headers kHeaders{
    {"Content-Security-Policy",
     "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cache-Control", "no-store"}};

}  // namespace

class Server::Routes {
 public:
  explicit Routes(const ServerOptions& options)
      : access_(options.bind, options.wants_token), catalog_(options.paths), desk_(options.threads) {
    set_up();
    add_page();
    http_.Get("/api/runs", [this](const Request&, Response& response) { runs(response); });
    http_.Get(R"(/api/runs/([^/]+))", [this](const Request& request, Response& response) { run(request, response); });
    http_.Get("/events", [this](const Request& request, Response& response) { events(request, response); });
    http_.Get("/metrics", [this](const Request&, Response& response) { metrics(response); });
    http_.Post("/api/sample", [this](const Request& request, Response& response) { sample(request, response); });
    http_.Post("/api/score", [this](const Request& request, Response& response) {
      with_model(
          response, [&] { return read_score_request(request.body); }, score_answer);
    });
    http_.Post("/api/neurons", [this](const Request& request, Response& response) {
      with_model(
          response, [&] { return read_neuron_request(request.body); }, neuron_answer);
    });
    listen(options);
  }

  int port() const { return port_; }
  const std::string& token() const { return access_.token(); }
  void run() { http_.listen_after_bind(); }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    stopping_.notify_all();
    http_.stop();
  }

 private:
  void set_up() {
    constexpr std::size_t kForTheRest = 28;
    http_.new_task_queue = [] { return new httplib::ThreadPool(kMostFollowers + kMostWriters + kForTheRest); };
    http_.set_socket_options([](int socket) {  // without SO_REUSEPORT: two servers must not share a port
      const int yes = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    http_.set_tcp_nodelay(true);
    http_.set_keep_alive_timeout(1);  // seconds: until then an idle connection keeps a thread
    http_.set_payload_max_length(kLongestBody);
    http_.set_default_headers(kHeaders);
    http_.set_pre_routing_handler([this](const Request& request, Response& response) {
      constexpr std::size_t kLongestPath = 1024;
      if (request.path.size() > kLongestPath) {
        refuse(response, kTooLong, "the path is too long");
        return httplib::Server::HandlerResponse::Handled;
      }
      const Credentials given{request.get_header_value("Host"), request.get_header_value("Origin"),
                              request.get_header_value("Authorization")};
      const auto refusal = access_.check(given, is_page(request.path));
      if (!refusal) return httplib::Server::HandlerResponse::Unhandled;
      refuse(response, refusal->status, refusal->why);
      return httplib::Server::HandlerResponse::Handled;
    });
    http_.set_error_handler([](const Request&, Response& response) {
      if (response.body.empty())
        refuse(response, response.status, "the server has nothing there, or cannot take this request");
    });
  }

  void listen(const ServerOptions& options) {
    errno = 0;
    const bool is_any = options.port == 0;
    port_ = is_any                                           ? http_.bind_to_any_port(options.bind)
            : http_.bind_to_port(options.bind, options.port) ? options.port
                                                             : -1;
    const int error = errno;
    require<UsageError>(port_ > 0, "cannot listen on port {} of '{}' (`port`, `bind`): {}", options.port, options.bind,
                        error != 0 ? std::generic_category().message(error) : "there is no such address");
  }

  static bool is_page(const std::string& path) {
    if (path == "/") return true;
    for (const PageFile& file : page_files()) {
      if (path == file.path) return true;
    }
    return false;
  }

  void add_page() {
    for (const PageFile& file : page_files()) {
      const auto give = [file](const Request&, Response& response) {
        response.set_content(file.contents.data(), file.contents.size(), std::string(file.type));
      };
      http_.Get(std::string(file.path), give);
      if (file.path == "/index.html") http_.Get("/", give);
    }
  }

  void runs(Response& response) {
    answer_by(response,
              [&] { response.set_content(as_text(runs_answer(catalog_.list(seconds_since_1970()))), kJson); });
  }

  void run(const Request& request, Response& response) {
    const std::string name = request.matches[1];
    const auto folder = catalog_.find(name);
    if (!folder) return refuse(response, kNotFound, "there is no such run");
    answer_by(response, [&] {
      const NamedRun named{name, catalog_.summary(*folder, seconds_since_1970())};
      response.set_content(as_text(run_answer(named, *folder)), kJson);
    });
  }

  void metrics(Response& response) {
    answer_by(response, [&] {
      response.set_content(prometheus_text(catalog_.list(seconds_since_1970())), "text/plain; version=0.0.4");
    });
  }

  /// With `once` the events end with the last line that is there.
  void events(const Request& request, Response& response) {
    const auto folder = catalog_.find(request.get_param_value("run"));
    if (!folder) return refuse(response, kNotFound, "there is no such run");
    const std::shared_ptr<void> place = followers_.take();
    if (place == nullptr) return refuse(response, kBusy, "too many pages follow runs; close one");
    const std::string from = request.has_header("Last-Event-ID") ? request.get_header_value("Last-Event-ID")
                                                                 : request.get_param_value("from");
    const bool once = request.has_param("once");
    auto stream = std::make_shared<EventStream>(*folder / "metrics.jsonl", from);
    response.set_chunked_content_provider("text/event-stream", [=, this](std::size_t, DataSink& sink) {
      constexpr auto kPause = 500ms;
      const std::string events = stream->next();
      if (!events.empty()) return sink.write(events.data(), events.size());
      if (once) {
        sink.done();
        return true;
      }
      const std::string sign = stream->sign_of_life();
      const bool is_heard = sign.empty() || sink.write(sign.data(), sign.size());
      return is_heard && place != nullptr && !wait(kPause);
    });
  }

  void sample(const Request& request, Response& response) {
    answer_by(response, [&] {
      const SampleRequest wanted = read_sample_request(request.body);
      const auto file = file_for(wanted, response);
      if (!file) return;
      std::shared_ptr<void> place = writers_.take();
      if (place == nullptr) return refuse(response, kBusy, "too many texts are being written; try again");
      auto writing = std::make_shared<Writing>(desk_, desk_.open(*file), wanted);
      response.set_chunked_content_provider("application/x-ndjson",
                                            [writing, place = std::move(place)](std::size_t, DataSink& sink) {
                                              std::string lines;
                                              try {
                                                lines = writing->next();
                                              } catch (const std::exception& error) {
                                                lines = as_text({{"error", error.what()}}) + '\n';
                                                sink.write(lines.data(), lines.size());
                                                lines.clear();
                                              }
                                              if (lines.empty()) {
                                                sink.done();
                                                return true;
                                              }
                                              return sink.write(lines.data(), lines.size());
                                            });
    });
  }

  template <class Read, class Answer>
  void with_model(Response& response, const Read& read, const Answer& answer) {
    answer_by(response, [&] {
      const auto wanted = read();
      const auto file = file_for(wanted, response);
      if (!file) return;
      response.set_content(as_text(answer(desk_, *desk_.open(*file), wanted)), kJson);
    });
  }

  /// The checkpoint that is wanted. Nothing: it is refused.
  std::optional<std::filesystem::path> file_for(const ModelRequest& wanted, Response& response) {
    if (!rate_.take(Clock::now())) {
      refuse(response, kTooMany, "too many requests; wait a second");
      return std::nullopt;
    }
    const auto folder = catalog_.find(wanted.run);
    std::optional<std::filesystem::path> file;
    if (folder && wanted.checkpoint.empty()) {
      file = find_checkpoint(*folder, "best");
      if (!file) file = find_checkpoint(*folder, "latest");
    } else if (folder) {
      file = find_checkpoint(*folder, wanted.checkpoint);
    }
    if (!file) refuse(response, kNotFound, folder ? "there is no such checkpoint" : "there is no such run");
    return file;
  }

  /// Waits, at most so long, and says whether the server stops.
  bool wait(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    return stopping_.wait_for(lock, time, [&] { return is_stopping_; });
  }

  Access access_;
  RunCatalog catalog_;
  ModelDesk desk_;
  Places followers_{kMostFollowers}, writers_{kMostWriters};
  Rate rate_{/*per_second=*/10, /*burst=*/30};
  std::mutex mutex_;
  std::condition_variable stopping_;
  bool is_stopping_ = false;
  int port_ = -1;
  httplib::Server http_;  // last: its threads use the others
};

Server::Server(const ServerOptions& options) : routes_(std::make_unique<Routes>(options)) {}
Server::~Server() = default;

int Server::port() const {
  return routes_->port();
}

const std::string& Server::token() const {
  return routes_->token();
}

void Server::run() {
  routes_->run();
}

void Server::stop() {
  routes_->stop();
}

}  // namespace charrnn
