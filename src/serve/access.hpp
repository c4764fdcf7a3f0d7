// Who may ask this server for something.
#pragma once

#include <optional>
#include <string>

namespace charrnn {

/// What of a request decides.
struct Credentials {
  std::string host, origin, authorization;  ///< the headers of these names, empty if absent
};

struct Refusal {
  int status = 0;  ///< of HTTP
  std::string why;
};

/// Two dangers are met. Other people: where the server can be reached from outside, a token is needed. Other pages in the
/// same browser: their requests carry another Origin; and one that made its own name point at this machine (DNS rebinding)
/// carries that name as Host. Names that cannot be someone else's are taken: addresses, localhost, and this machine's own.
class Access {
 public:
  /// `bind` is the address or name that the server listens on. A token is made if that is not this machine alone, or if
  /// `wants_token`.
  Access(const std::string& bind, bool wants_token);

  /// Empty: none is needed. 64 hexadecimal digits.
  const std::string& token() const { return token_; }

  /// Why the request is refused; nothing if it is not. `is_public`: for the page itself, which holds no data.
  std::optional<Refusal> check(const Credentials& given, bool is_public) const;

 private:
  std::string bind_, token_;
};

/// Whether only this machine can reach a server that listens there.
bool is_loopback(const std::string& bind);

}  // namespace charrnn
