#include "data/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "data/gzip_stream.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

bool is_hidden(const std::string& path) {
  for (const fs::path& part : fs::path(path)) {
    if (part.native().starts_with('.') && part != "." && part != "..") return true;
  }
  return false;
}

class ArchiveReader final : public TextReader {
 public:
  ArchiveReader(FileDescriptor file, std::string path, std::int64_t size, bool gzip, const Tick& tick)
      : tick_(tick),
        file_(std::move(file)),
        path_(std::move(path)),
        size_(size),
        archive_(::archive_read_new(), &::archive_read_free),
        buffer_(kBlock) {
    require(archive_ != nullptr, "cannot read '{}': libarchive does not start", path_);
    ::archive_read_support_filter_gzip(archive_.get());
    ::archive_read_support_filter_bzip2(archive_.get());
    ::archive_read_support_filter_xz(archive_.get());
    ::archive_read_support_filter_zstd(archive_.get());
    ::archive_read_support_format_tar(archive_.get());
    ::archive_read_set_option(archive_.get(), "tar", "read_concatenated_archives", "1");  // as cat makes them
    ::archive_read_support_format_zip(archive_.get());
    ::archive_read_support_format_raw(archive_.get());
    ::archive_read_support_format_empty(archive_.get());
    int opened = ARCHIVE_OK;
    if (gzip) {
      gzip_.emplace(file_);
      opened = ::archive_read_open(archive_.get(), this, nullptr, next_of_gzip, nullptr);
    } else {
      opened = ::archive_read_open_fd(archive_.get(), file_.get(), kBlock);
    }
    if (opened < ARCHIVE_WARN) fail("at its beginning");
  }

  bool next_member() override {
    const std::string place = member_.name.empty() ? "at its beginning" : "after " + member_.name;
    for (archive_entry* entry = nullptr;;) {
      tick_();
      const int code = ::archive_read_next_header(archive_.get(), &entry);
      if (code == ARCHIVE_EOF) {
        require(!lacks_end(), "'{}' is cut off {}: it has no end", without_controls(path_), place);
        return false;
      }
      if (code != ARCHIVE_OK && code != ARCHIVE_WARN) fail(place);  // a warning is about names or times
      require(::archive_filter_count(archive_.get()) <= kMostFilters,
              "'{}' is packed more than {} times over; unpack it", without_controls(path_), kMostFilters - 1);
      require_sane_ratio(::archive_filter_bytes(archive_.get(), 0));  // also of headers
      member_bytes_ = 0;
      if (::archive_format(archive_.get()) == ARCHIVE_FORMAT_RAW) {
        describe_packed();
        return true;
      }
      if (describe(entry)) return true;
      while (read_some() > 0) tick_();  // so that skipping it can be stopped
    }
  }

  std::span<const unsigned char> read() override {
    tick_();
    return std::span(buffer_).first(read_some());
  }

  const Member& member() const override { return member_; }
  std::int64_t size() const override { return size_; }
  std::int64_t position() const override {
    return gzip_ ? gzip_->position() : ::archive_filter_bytes(archive_.get(), -1);
  }
  LeftOut left_out() const override { return left_out_; }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 16;
  static constexpr int kMostFilters = 3;  // one of them stands for the file itself

  /// What libarchive reads a gzip file through.
  static la_ssize_t next_of_gzip(archive* archive, void* reader, const void** bytes) {
    try {
      const std::span<const unsigned char> next = static_cast<ArchiveReader*>(reader)->gzip_->next();
      *bytes = next.data();
      return std::ssize(next);
    } catch (const DataError& error) {
      ::archive_set_error(archive, EILSEQ, "%s", error.what());
      return ARCHIVE_FATAL;
    }
  }

  [[noreturn]] void fail(const std::string& place) const {
    const char* const why = ::archive_error_string(archive_.get());
    throw DataError(fmt::format("'{}' is damaged or cut off {}: {}", without_controls(path_), place,
                                without_controls(why != nullptr ? why : "no reason is known")));
  }

  /// Whether a plain tar archive ends without the zeros that every program writes there. libarchive takes it for whole
  /// when it is cut off between two files.
  bool lacks_end() {
    const bool is_tar = (::archive_format(archive_.get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
    constexpr std::int64_t kRecord = 512;
    if (!is_tar || gzip_ || ::archive_filter_count(archive_.get()) > 1 || size_ < kRecord) return false;
    const std::span<unsigned char> end = std::span(buffer_).first(kRecord);
    const ssize_t got = ::pread(file_.get(), end.data(), end.size(), size_ - kRecord);
    return got != kRecord || std::ranges::any_of(end, [](unsigned char byte) { return byte != 0; });
  }

  /// Of the entry that the archive is at, to buffer_.
  std::size_t read_some() {
    const la_ssize_t got = ::archive_read_data(archive_.get(), buffer_.data(), buffer_.size());
    if (got < 0) fail(fmt::format("after {} bytes of {}", with_commas(member_bytes_), member_.name));
    member_bytes_ += got;
    all_bytes_ += got;
    require_sane_ratio(all_bytes_);
    return static_cast<std::size_t>(got);
  }

  void require_sane_ratio(std::int64_t unpacked) const {
    require(
        unpacked <= kMostText || unpacked / kMostRatio <= size_,
        "'{}' unpacks to more than {} times its {} bytes, like an archive that is made to fill disks; if it is a text, "
        "unpack it yourself",
        without_controls(path_), kMostRatio, with_commas(size_));
  }

  void describe_packed() {
    // Number 0 was packed first; the last one stands for the file itself, or what comes out of gzip_.
    std::string unpack = gzip_ ? "gzip -dc " + for_shell(path_) : "";
    for (int i = ::archive_filter_count(archive_.get()) - 2; i >= 0; --i) {
      const char* const name = ::archive_filter_name(archive_.get(), i);
      unpack += unpack.empty() ? fmt::format("{} -dc {}", name, for_shell(path_)) : fmt::format(" | {} -dc", name);
    }
    const fs::path file(path_);
    member_ = {.name = fmt::format("'{}'", without_controls(path_)),
               .file_name = without_controls((file.has_extension() ? file.stem() : file.filename()).string()),
               .path = "",
               .unpack = std::move(unpack)};
  }

  /// Whether the entry is a member.
  bool describe(archive_entry* entry) {
    const char* name = ::archive_entry_pathname(entry);
    if (name == nullptr) name = ::archive_entry_pathname_utf8(entry);  // which this locale has no characters for
    const std::string path = name != nullptr ? name : "";
    const bool is_link = ::archive_entry_hardlink(entry) != nullptr || ::archive_entry_filetype(entry) == AE_IFLNK;
    if (!is_link && ::archive_entry_filetype(entry) == AE_IFDIR) return false;
    if (is_hidden(path)) return ++left_out_.hidden, false;
    if (is_link) return ++left_out_.links, false;
    if (::archive_entry_filetype(entry) != AE_IFREG) return ++left_out_.others, false;
    const bool is_zip = (::archive_format(archive_.get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_ZIP;
    const char* const end_of_options = path.starts_with('-') ? "-- " : "";
    member_ = {.name = fmt::format("'{}' in '{}'", without_controls(path), without_controls(path_)),
               .file_name = without_controls(fs::path(path).filename().string()),
               .path = "",
               .unpack = fmt::format("{} {} {}{}", is_zip ? "unzip -p" : "tar -xOf", for_shell(path_), end_of_options,
                                     for_shell(path))};
    return true;
  }

  const Tick& tick_;
  FileDescriptor file_;
  std::optional<GzipStream> gzip_;
  std::string path_;
  std::int64_t size_;
  std::unique_ptr<archive, int (*)(archive*)> archive_;  // reads the two above
  Member member_;
  LeftOut left_out_;
  std::vector<unsigned char> buffer_;
  std::int64_t member_bytes_ = 0, all_bytes_ = 0;
};

}  // namespace

std::unique_ptr<TextReader> read_archive(FileDescriptor file, const std::string& path, std::int64_t size, bool gzip,
                                         const Tick& tick) {
  return std::make_unique<ArchiveReader>(std::move(file), path, size, gzip, tick);
}

}  // namespace charrnn
