#include "serve/client_stream.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "serve/limits.hpp"

namespace charrnn {

bool ClientStream::begin_request(Clock::duration pause) {
  left_ = kLongestRequest;
  deadline_ = Clock::now() + kRequestTime;
  return begin_ < end_ || wait_for(POLLIN, Clock::now() + pause);
}

bool ClientStream::is_readable() const {
  return begin_ < end_ || wait_for(POLLIN, deadline_);
}

bool ClientStream::is_writable() const {
  return wait_for(POLLOUT, Clock::now() + kAnswerTime);
}

ssize_t ClientStream::read(char* to, std::size_t size) {
  if (begin_ == end_) {
    if (left_ == 0 || !wait_for(POLLIN, deadline_)) return -1;
    const ssize_t got = ::recv(socket_, buffer_.data(), std::min(buffer_.size(), left_), MSG_DONTWAIT);
    if (got <= 0) return got;
    begin_ = 0;
    end_ = static_cast<std::size_t>(got);
    left_ -= end_;
  }
  const std::size_t count = std::min(size, end_ - begin_);
  std::copy_n(buffer_.data() + begin_, count, to);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t ClientStream::write(const char* from, std::size_t size) {
  const Clock::time_point end = Clock::now() + kAnswerTime;
  for (std::size_t sent = 0; sent < size;) {
    if (!wait_for(POLLOUT, end)) return -1;
    const ssize_t count = ::send(socket_, from + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN && errno != EINTR) return -1;
    sent += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
  }
  return static_cast<ssize_t>(size);
}

// Nobody asks who it is.
void ClientStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void ClientStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

bool ClientStream::wait_for(short events, Clock::time_point end) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    pollfd wanted{socket_, events, 0};
    const int ready = ::poll(&wanted, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace charrnn
