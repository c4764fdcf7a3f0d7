// SHA-256 (FIPS 180-4) by OpenSSL, in pieces.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace charrnn {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(const void* data, std::size_t bytes);
  /// The digest as 64 hexadecimal digits; call once, last.
  std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace charrnn
