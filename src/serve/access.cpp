#include "serve/access.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error.hpp"
#include "base/host.hpp"

namespace charrnn {

namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> ignored{};
  return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

/// "::1" of "[::1]:8080", "localhost" of "localhost:8080".
std::string without_port(const std::string& host) {
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

std::string new_token() {
  std::array<unsigned char, 32> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw Error(ExitCode::kBug, "the system gives no random bytes");
  }
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

bool are_equal(const std::string& a, const std::string& b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

bool is_loopback(const std::string& bind) {
  in_addr address{};
  if (::inet_pton(AF_INET, bind.c_str(), &address) == 1) return (ntohl(address.s_addr) >> 24) == 127;
  return bind == "::1" || lower(bind) == "localhost";
}

Access::Access(const std::string& bind, bool wants_token) : bind_(lower(bind)) {
  if (wants_token || !is_loopback(bind)) token_ = new_token();
}

std::optional<Refusal> Access::check(const Credentials& given, bool is_public) const {
  constexpr int kUnauthorized = 401, kForbidden = 403;
  const std::string host = lower(without_port(given.host));
  const bool is_ours = is_address(host) || host == "localhost" || host == bind_ || host == lower(host_name());
  if (!is_ours) return Refusal{kForbidden, "this server has another name: use localhost or its address"};
  if (!given.origin.empty() && lower(given.origin) != "http://" + lower(given.host)) {
    return Refusal{kForbidden, "requests of other pages are refused"};
  }
  if (is_public || token_.empty()) return std::nullopt;
  if (are_equal(given.authorization, "Bearer " + token_)) return std::nullopt;
  return Refusal{kUnauthorized, "the token is missing or wrong: open the address that charrnn_dist serve printed"};
}

}  // namespace charrnn
