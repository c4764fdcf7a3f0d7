// cpp-httplib's server, with the bounds that it lacks.
#pragma once

#include <httplib.h>

#include <mutex>
#include <set>

namespace charrnn {

/// A client that sends more than kLongestRequest bytes, or takes longer than kRequestTime to send a request or kAnswerTime to
/// take a piece of an answer (serve/limits.hpp), is hung up on. Two headers are not heeded: Range, by which a small request
/// could ask for the same bytes a thousand times, and Content-Type, since every body is JSON.
class BoundedServer : public httplib::Server {
 public:
  /// After binding: lets many clients wait to be accepted. httplib has room for five, and makes the others wait for a second.
  void admit_crowds();
  /// Listens no more and ends all connections, also those whose clients hang. May come before listen_after_bind(), which then
  /// returns at once.
  void hang_up();

 private:
  bool process_and_close_socket(socket_t socket) override;
  /// Whether it is to be answered.
  bool note_open(socket_t socket);
  void close(socket_t socket);

  std::mutex mutex_;
  std::set<socket_t> open_;
  bool is_hanging_up_ = false;
};

}  // namespace charrnn
