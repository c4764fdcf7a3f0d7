#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "data/text_source.hpp"

namespace charrnn {

namespace {

/// A file as read-only memory: the kernel reads the pages that are touched, and only those.
class MappedText final : public TextSource {
 public:
  explicit MappedText(const std::string& path) : TextSource(path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    require(file >= 0, "cannot open the corpus '{}': {}", path, std::strerror(errno));
    struct stat status {};
    const bool known = ::fstat(file, &status) == 0;
    const bool regular = known && S_ISREG(status.st_mode);
    void* memory = MAP_FAILED;
    if (regular && status.st_size > 0) {
      memory = ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED, file, 0);
    }
    const int why = errno;
    ::close(file);
    require(!known || !S_ISDIR(status.st_mode), "the corpus '{}' is a directory; name a text file", path);
    require(regular, "the corpus '{}' is not a regular file; copy the text into one", path);
    require(status.st_size > 0, "the corpus '{}' is empty", path);
    if (why == ENOMEM && memory == MAP_FAILED) throw OutOfMemory(static_cast<std::uint64_t>(status.st_size));
    require(memory != MAP_FAILED, "cannot map the corpus '{}': {}", path, std::strerror(why));
    set_bytes({static_cast<const unsigned char*>(memory), static_cast<std::size_t>(status.st_size)});
  }
  ~MappedText() override { ::munmap(const_cast<unsigned char*>(bytes().data()), bytes().size()); }
  void release(std::span<const unsigned char> part) const override { release_pages(part); }
};

}  // namespace

std::unique_ptr<TextSource> open_text(const std::string& path) {
  return std::make_unique<MappedText>(path);
}

void release_pages(std::span<const unsigned char> bytes) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t before = reinterpret_cast<std::uintptr_t>(bytes.data()) % page;  // since its page's start
  const std::size_t whole = (before + bytes.size()) / page * page;
  // Advice: where it is not taken the pages stay until the kernel wants them.
  ::madvise(const_cast<unsigned char*>(bytes.data()) - before, whole, MADV_DONTNEED);
}

}  // namespace charrnn
