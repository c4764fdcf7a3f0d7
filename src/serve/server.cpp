#include "serve/server.hpp"

#include <httplib.h>

#include <cerrno>
#include <system_error>

#include "base/error.hpp"
#include "serve/access.hpp"
#include "serve/api.hpp"
#include "serve/bounded_server.hpp"
#include "serve/http.hpp"
#include "serve/page_files.hpp"

namespace charrnn {

namespace {

using httplib::Request;
using httplib::Response;

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
      : access_(options.bind, options.wants_token), api_(options.paths, options.threads, options.precision) {
    set_up();
    add_page();
    api_.add_to(http_);
    listen(options);
  }

  int port() const { return port_; }
  const std::string& token() const { return access_.token(); }

  void run() { http_.listen_after_bind(); }

  void stop() {
    api_.stop();
    http_.hang_up();
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
    require<UsageError>(port_ > 0, "cannot listen on port {} of '{}' (`port`, 0 for any that is free; `bind`): {}",
                        options.port, options.bind,
                        error != 0 ? std::generic_category().message(error) : "there is no such address");
    http_.admit_crowds();
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

  Access access_;
  Api api_;
  int port_ = -1;
  BoundedServer http_;  // last: its threads use the others
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
