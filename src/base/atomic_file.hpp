// Files and links that are replaced in one step: opening the name gives the old content or the new one, even after a
// crash.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace charrnn {

/// Replaces a file piece by piece. Until commit() the content grows in `.<name>.tmp-<pid>` beside it. Every failure is
/// a WriteError that names the file.
///
///     AtomicFile file("runs/lstm/config.toml");
///     file.write(text);
///     file.commit();
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  /// Removes what was not committed.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  /// Syncs the content to disk, calls `before_rename` (which may throw to keep the file from appearing), gives it its
  /// name and syncs the folder.
  void commit(const std::function<void()>& before_rename = {});

 private:
  void require_done(bool done) const;

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

/// Replaces a file by these bytes.
void replace_file(const std::filesystem::path& path, std::string_view bytes,
                  const std::function<void()>& before_rename = {});

/// Makes `link` a symbolic link to `target`, replacing what had that name. WriteError if it cannot.
void replace_link(const std::filesystem::path& link, const std::filesystem::path& target);

/// Removes the temporary files in a folder that AtomicFile and replace_link() of killed processes left behind.
void sweep_temporaries(const std::filesystem::path& folder);
/// Whether the name is that of one.
bool is_temporary(const std::filesystem::path& file);

}  // namespace charrnn
