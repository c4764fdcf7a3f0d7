// Files of any bytes as texts: archives, packed files, damaged ones. Read, or refused with a DataError whose message has no
// control characters.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "data/text_source.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

constexpr std::size_t kEnough = std::size_t{1} << 24;  // bytes that are unpacked; a small file may hold a gigabyte

void check_message(const std::string& text) {
  if (without_controls(text) != text) std::abort();
}

void read(const TextSource& text) {
  Activity activity;
  const std::unique_ptr<TextReader> reader = text.read(activity);
  std::size_t bytes = 0;
  while (reader->next_member()) {
    check_message(reader->member().name);
    for (auto piece = reader->read(); !piece.empty(); piece = reader->read()) {
      bytes += piece.size();
      if (bytes > kEnough) return;
    }
  }
}

}  // namespace
}  // namespace charrnn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const charrnn::TemporaryFolder folder;
  const std::string path = folder.write("text", std::string(reinterpret_cast<const char*>(data), size)).string();
  try {
    charrnn::read(*charrnn::open_text({path}));
  } catch (const charrnn::DataError& error) {
    charrnn::check_message(error.what());
  }
  return 0;
}
