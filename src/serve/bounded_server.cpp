#include "serve/bounded_server.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>

#include "serve/client_stream.hpp"

namespace charrnn {

void BoundedServer::admit_crowds() {
  ::listen(svr_sock_, SOMAXCONN);
}

void BoundedServer::hang_up() {
  // Not httplib's stop(), which does nothing before the server runs.
  if (const socket_t listening = svr_sock_.exchange(INVALID_SOCKET); listening != INVALID_SOCKET) {
    ::shutdown(listening, SHUT_RDWR);
    ::close(listening);
  }
  const std::lock_guard lock(mutex_);
  is_hanging_up_ = true;
  for (const socket_t socket : open_) ::shutdown(socket, SHUT_RDWR);
}

bool BoundedServer::process_and_close_socket(socket_t socket) {
  const auto heed_less = [](httplib::Request& request) {
    request.ranges.clear();
    request.headers.erase("Content-Type");
  };
  bool is_answered = false;
  if (note_open(socket)) {
    ClientStream stream(socket);
    bool is_last = false;
    for (std::size_t left = keep_alive_max_count_; left > 0 && !is_last; --left) {
      is_answered = stream.begin_request(std::chrono::seconds(keep_alive_timeout_sec_)) &&
                    process_request(stream, /*close_connection=*/left == 1, is_last, heed_less);
      if (!is_answered) break;
    }
  }
  close(socket);
  return is_answered;
}

bool BoundedServer::note_open(socket_t socket) {
  const std::lock_guard lock(mutex_);
  open_.insert(socket);
  return !is_hanging_up_;
}

void BoundedServer::close(socket_t socket) {
  const std::lock_guard lock(mutex_);  // so that no other connection with this number is hung up on
  open_.erase(socket);
  ::shutdown(socket, SHUT_RDWR);
  ::close(socket);
}

}  // namespace charrnn
