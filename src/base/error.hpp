// The errors of the program. Everything that can go wrong outside the program's own logic is thrown as one of
// these; main() alone turns them into an exit code and one line on standard error.
#pragma once

#include <fmt/format.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace charrnn {

/// Exit codes, fixed for scripts: launch/run and the SLURM scripts decide by them whether to start again.
enum class ExitCode : int {
  kDone = 0,
  kUsage = 2,         ///< bad command line or config
  kData = 65,         ///< bad corpus or checkpoint
  kBug = 70,          ///< something that must not happen
  kInterrupted = 75,  ///< signal, lost rank, deadline or full disk: start again with --resume
};

/// Base of all errors: a message of one line that says what is wrong, where, and how to fix it.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// Bad command line, config or environment.
class UsageError : public Error {
 public:
  explicit UsageError(const std::string& message) : Error(ExitCode::kUsage, message) {}
};

/// An option that cannot have the value it was given. Messages below the command line name options by their keys in
/// backticks (`learning-rate`), the command line shows them as it spells them (--learning-rate).
class ConfigError : public UsageError {
 public:
  /// `key` is the option at fault, such as "learning-rate".
  ConfigError(std::string key, const std::string& message) : UsageError(message), key_(std::move(key)) {}
  const std::string& key() const { return key_; }

 private:
  std::string key_;
};

/// A corpus or checkpoint that cannot be used.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(ExitCode::kData, message) {}
};

/// Whether what `error`, an errno, tells of may be over later: a full disk, or a server that is away.
inline bool may_pass(int error) {
  return error == ENOSPC || error == EDQUOT || error == EIO || error == ESTALE || error == ETIMEDOUT ||
         error == ENOTCONN;
}

/// A file of the run that cannot be written or looked at: the disk is full, or was taken away. Trying again may help; the
/// exit code says so if it surely may.
class WriteError : public Error {
 public:
  /// `error` is an errno.
  WriteError(const std::string& message, int error)
      : Error(may_pass(error) ? ExitCode::kInterrupted : ExitCode::kData, message) {}
  /// "cannot write 'run/config.toml': Permission denied", for what = "write".
  WriteError(std::string_view what, const std::filesystem::path& file, int error)
      : WriteError(fmt::format("cannot {} '{}': {}", what, file.string(), std::generic_category().message(error)),
                   error) {}
};

/// Throws a ConfigError for the option `key` unless `condition` holds.
template <class... Args>
void require_option(bool condition, const char* key, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) throw ConfigError(key, fmt::format(format, std::forward<Args>(args)...));
}

/// Throws E with the formatted message unless `condition` holds.
template <class E = DataError, class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) throw E(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace charrnn
