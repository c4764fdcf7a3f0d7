// The bytes to and from a client of `charrnn_dist serve`.
#pragma once

#include <httplib.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

namespace charrnn {

/// Reads requests and writes answers within the bounds of serve/limits.hpp; beyond them read() and write() give -1.
///
///     ClientStream stream(socket);
///     while (stream.begin_request(std::chrono::seconds(1))) …
class ClientStream : public httplib::Stream {
 public:
  using Clock = std::chrono::steady_clock;

  /// Does not close `socket`.
  explicit ClientStream(int socket) : socket_(socket) {}

  /// Whether the client begins a request within `pause`. From here on the bounds of a request count anew.
  bool begin_request(Clock::duration pause);

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* to, std::size_t size) override;
  /// All of it, or -1.
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  int socket() const override { return socket_; }

 private:
  bool wait_for(short events, Clock::time_point end) const;

  int socket_;
  std::array<char, 4096> buffer_{};
  std::size_t begin_ = 0, end_ = 0;  ///< what of the buffer has not been read
  std::size_t left_ = 0;             ///< bytes that may still come
  Clock::time_point deadline_;       ///< until when
};

}  // namespace charrnn
