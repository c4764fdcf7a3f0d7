// Files and folders as a text.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "data/archive_reader.hpp"
#include "data/file_kind.hpp"
#include "data/text_source.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

/// Reads as many bytes as there is room for, fewer at the end of the file only; returns how many.
std::size_t fill(const FileDescriptor& file, const std::string& path, std::span<unsigned char> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    require(got > 0, "cannot read '{}' on: {}", without_controls(path), std::strerror(errno));
    done += static_cast<std::size_t>(got);
  }
  return done;
}

/// A file that is text as it lies there: one member. It is read, not mapped: where a mapped file shrinks, or its disk
/// fails, the process dies.
class PlainFile final : public TextReader {
 public:
  PlainFile(FileDescriptor file, std::string path, std::int64_t size, const Tick& tick)
      : tick_(tick), file_(std::move(file)), path_(std::move(path)), size_(size), buffer_(kPiece) {
    member_ = {.name = fmt::format("'{}'", without_controls(path_)),
               .file_name = without_controls(fs::path(path_).filename().string()),
               .path = path_,
               .unpack = ""};
  }

  bool next_member() override { return !std::exchange(is_begun_, true); }
  std::span<const unsigned char> read() override {
    tick_();
    // Only what was there at first: what is written to it meanwhile is no part of the text.
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(kPiece, size_ - position_));
    const std::span bytes = std::span(buffer_).first(wanted);
    require(fill(file_, path_, bytes) == wanted, "{} became shorter than its {} bytes while it was read", member_.name,
            with_commas(size_));
    position_ += static_cast<std::int64_t>(wanted);
    return bytes;
  }
  const Member& member() const override { return member_; }
  std::int64_t size() const override { return size_; }
  std::int64_t position() const override { return position_; }

 private:
  const Tick& tick_;
  FileDescriptor file_;
  std::string path_;
  std::int64_t size_, position_ = 0;
  Member member_;
  std::vector<unsigned char> buffer_;
  bool is_begun_ = false;
};

/// A file to be read.
struct Found {
  std::string path;
  std::int64_t size = 0;
  bool follow = false;  ///< it may be a link
};

std::unique_ptr<TextReader> read_file(const Found& found, const Tick& tick) {
  // O_NONBLOCK: a pipe that has taken the file's place must not make us wait for its other end.
  const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (found.follow ? 0 : O_NOFOLLOW);
  FileDescriptor file(::open(found.path.c_str(), flags));
  require(file.is_open(), "cannot open the corpus '{}': {}", without_controls(found.path), std::strerror(errno));
  struct stat status {};
  require(::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode),
          "the corpus '{}' is not a regular file; copy the text into one", without_controls(found.path));
  std::array<unsigned char, kStartBytes> buffer;
  const std::span start = std::span(buffer).first(fill(file, found.path, buffer));
  ::lseek(file.get(), 0, SEEK_SET);
  const Packing packing = packing_of(start);
  if (packing != Packing::kNone || is_tar(start) || is_zip(start)) {
    return read_archive(std::move(file), found.path, status.st_size, packing == Packing::kGzip, tick);
  }
  return std::make_unique<PlainFile>(std::move(file), found.path, status.st_size, tick);
}

/// The files that paths stand for.
class Listing {
 public:
  explicit Listing(Activity& activity) : activity_(activity) {}

  void add(const std::string& path) {
    struct stat status {};
    const bool is_there = ::stat(path.c_str(), &status) == 0;
    require(is_there, "cannot open the corpus '{}': {}", without_controls(path), std::strerror(errno));
    if (S_ISDIR(status.st_mode)) return add_folder(path);
    require(S_ISREG(status.st_mode), "the corpus '{}' is not a regular file; copy the text into one",
            without_controls(path));
    files_.push_back({path, status.st_size, true});
  }

  std::vector<Found>& files() { return files_; }
  const LeftOut& left_out() const { return left_out_; }

 private:
  void add_folder(const std::string& path) {
    const auto first = static_cast<std::ptrdiff_t>(files_.size());
    try {
      // Does not follow links, so that it comes to an end.
      for (fs::recursive_directory_iterator entry(path), end; entry != end; ++entry) {
        activity_.advance("listing files", 0, 1);
        add_entry(entry);
      }
    } catch (const fs::filesystem_error& error) {
      throw DataError(fmt::format("cannot list the folder '{}': {}",
                                  without_controls(error.path1().empty() ? path : error.path1().string()),
                                  error.code().message()));
    }
    std::sort(files_.begin() + first, files_.end(), [](const Found& a, const Found& b) { return a.path < b.path; });
  }

  void add_entry(fs::recursive_directory_iterator& entry) {
    const fs::file_type type = entry->symlink_status().type();
    if (entry->path().filename().native().starts_with('.')) {
      ++left_out_.hidden;
      if (type == fs::file_type::directory) entry.disable_recursion_pending();
    } else if (type == fs::file_type::symlink) {
      ++left_out_.links;
    } else if (type == fs::file_type::regular) {
      files_.push_back({entry->path().string(), static_cast<std::int64_t>(entry->file_size()), false});
    } else if (type != fs::file_type::directory) {
      ++left_out_.others;
    }
  }

  Activity& activity_;
  std::vector<Found> files_;
  LeftOut left_out_;
};

/// Several files, one open at a time.
class FilesReader final : public TextReader {
 public:
  FilesReader(std::vector<Found> files, const LeftOut& left_out, Activity& activity)
      : files_(std::move(files)), left_out_(left_out) {
    tick_ = [this, &activity] { activity.advance("reading", position(), size_); };
    for (const Found& file : files_) size_ += file.size;
  }

  bool next_member() override {
    for (;;) {
      if (current_ != nullptr) {
        if (current_->next_member()) return true;
        position_ += files_[next_ - 1].size;
        left_out_ += current_->left_out();
        current_ = nullptr;
      }
      if (next_ == files_.size()) return false;
      current_ = read_file(files_[next_++], tick_);
    }
  }
  std::span<const unsigned char> read() override { return current_->read(); }
  const Member& member() const override { return current_->member(); }
  std::int64_t size() const override { return size_; }
  std::int64_t position() const override { return position_ + (current_ != nullptr ? current_->position() : 0); }
  LeftOut left_out() const override { return left_out_; }

 private:
  std::vector<Found> files_;
  Tick tick_;
  std::size_t next_ = 0;
  std::unique_ptr<TextReader> current_;
  std::int64_t size_ = 0, position_ = 0;  // position_: where current_ begins
  LeftOut left_out_;
};

/// "a.txt", or "a.txt and 2 more".
std::string name_of(const std::vector<std::string>& paths) {
  const std::string first = without_controls(paths.at(0));
  return paths.size() == 1 ? first : fmt::format("{} and {} more", first, paths.size() - 1);
}

class FileText final : public TextSource {
 public:
  explicit FileText(std::vector<std::string> paths) : TextSource(name_of(paths)), paths_(std::move(paths)) {}

  std::unique_ptr<TextReader> read(Activity& activity) const override {
    Listing listing(activity);
    for (const std::string& path : paths_) listing.add(path);
    require(!listing.files().empty(), "there is no file in the folder '{}'", name());
    return std::make_unique<FilesReader>(std::move(listing.files()), listing.left_out(), activity);
  }

 private:
  std::vector<std::string> paths_;
};

}  // namespace

std::unique_ptr<TextSource> open_text(const std::vector<std::string>& paths) {
  return std::make_unique<FileText>(paths);
}

}  // namespace charrnn
