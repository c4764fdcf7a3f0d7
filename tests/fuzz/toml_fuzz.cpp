// Configs of any bytes: read, refused with an Error, or written out again as the same config.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/toml.hpp"

namespace charrnn {
namespace {

void read(const std::string& text, UnknownKeys unknown) {
  RunConfig config;
  Strings notes;
  try {
    read_toml(text, "config", unknown, &notes).apply(config);
    validate(config);
  } catch (const Error&) {
    return;
  }
  const std::string once = write_toml(config);
  RunConfig again;
  read_toml(once, "config", UnknownKeys::kRefuse, nullptr).apply(again);
  if (write_toml(again) != once) std::abort();
}

}  // namespace
}  // namespace charrnn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  charrnn::read(text, charrnn::UnknownKeys::kRefuse);
  charrnn::read(text, charrnn::UnknownKeys::kIgnore);
  return 0;
}
