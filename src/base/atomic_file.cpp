#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

fs::path temporary_for(const fs::path& path) {
  return path.parent_path() / fmt::format(".{}.tmp-{}", path.filename().string(), ::getpid());
}

/// A rename is on the disk when its folder is. Some file systems refuse this; the file is whole there too.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)),
      temporary_(temporary_for(path_)),
      descriptor_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666)) {
  require_done(descriptor_ >= 0);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::require_done(bool done) const {
  if (!done) throw WriteError("write", path_, errno);
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    require_done(count > 0);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void AtomicFile::commit(const std::function<void()>& before_rename) {
  require_done(::fsync(descriptor_) == 0);
  if (before_rename) before_rename();
  require_done(::rename(temporary_.c_str(), path_.c_str()) == 0);
  ::close(std::exchange(descriptor_, -1));
  sync_folder(path_.parent_path());
}

void replace_file(const fs::path& path, std::string_view bytes, const std::function<void()>& before_rename) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit(before_rename);
}

void replace_link(const fs::path& link, const fs::path& target) {
  // A link cannot be changed, but a new one can take the old one's name in one step.
  const fs::path temporary = temporary_for(link);
  std::error_code error, ignored;
  fs::remove(temporary, ignored);
  fs::create_symlink(target, temporary, error);
  if (!error) fs::rename(temporary, link, error);
  if (!error) return;
  fs::remove(temporary, ignored);
  throw WriteError(fmt::format("cannot point '{}' at '{}': {}", link.string(), target.string(), error.message()),
                   error.value());
}

void sweep_temporaries(const fs::path& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (is_temporary(entry.path())) fs::remove(entry.path(), error);
  }
}

bool is_temporary(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.starts_with(".") && name.find(".tmp-") != std::string::npos;
}

}  // namespace charrnn
