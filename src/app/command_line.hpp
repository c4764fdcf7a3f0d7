// A command of the program: what it takes, and what it does.
#pragma once

#include <deque>
#include <functional>
#include <initializer_list>
#include <string>

#include "base/error.hpp"
#include "config/given_options.hpp"

namespace charrnn {

/// An option of a command, or the words that belong to none.
struct Argument {
  enum class Kind {
    kFlag,      ///< --name or --no-name
    kOne,       ///< --name VALUE; given twice, the last one counts
    kOptional,  ///< --name or --name VALUE
    kList,      ///< --name VALUE…; given twice, the lists are joined
    kWords,     ///< words without an option before them
  };

  std::string group;  ///< heading in help
  std::string name;
  Kind kind = Kind::kOne;
  std::string value;  ///< what help calls it: N, PATH..., or the choices: auto|cpu|cuda
  std::string help;
  std::string range, usual;                  ///< of numbers, and the default; empty: help does not show it
  std::function<void(const Strings&)> take;  ///< reads the words that were given
  bool required = false;
  bool empty_value = false;  ///< --name "" is a value
  std::string older;         ///< names it had before, separated by '|'
};

/// Options are spelled --name VALUE or --name=VALUE. "--" ends them.
///
///     Command command("inspect", "show what is in a checkpoint");
///     command.add("hash", hash, "print only the SHA-256 of the parameters");
///     command.run_by([&] { return inspect(hash); });
///     command.parse({"--hash"});
///     return command.run();
class Command {
 public:
  Command(std::string name, std::string summary) : name_(std::move(name)), summary_(std::move(summary)) {}

  /// Adds --config and all options of a training run; or, for a command that trains nothing, only those with these
  /// names. `sources`, like every other target of an argument, must outlive this; the function given to run_by() may own
  /// it.
  void add_training_options(ConfigSources& sources);
  void add_training_options(ConfigSources& sources, std::initializer_list<const char*> names);
  /// An option of this command alone. The value that is there is the default.
  Argument& add(const char* name, Value target, const Rule& rule, const char* value, const char* help);
  /// A flag.
  Argument& add(const char* name, bool& target, const char* help);
  /// Words, or those after the option of that name.
  Argument& add_paths(const char* name, Argument::Kind kind, Strings& target, const char* help);
  /// What help says at the end: a paragraph, and command lines.
  void explain(std::string text, Strings examples);
  /// `work` is what run() does.
  void run_by(std::function<ExitCode()> work) { work_ = std::move(work); }

  const std::string& name() const { return name_; }
  const std::string& summary() const { return summary_; }
  const std::deque<Argument>& arguments() const { return arguments_; }
  const std::string& text() const { return text_; }
  const Strings& examples() const { return examples_; }

  /// An argument that was added.
  Argument& argument(const std::string& name);
  /// Reads the words after the command's name. UsageError.
  void parse(const Strings& words);
  ExitCode run() const { return work_(); }

 private:
  Argument& add_row(ConfigSources& sources, const Option& option, const Rule& rule, std::string help);
  Argument& find(const std::string& name);

  std::string name_, summary_, text_;
  Strings examples_;
  std::deque<Argument> arguments_;
  std::function<ExitCode()> work_;
};

}  // namespace charrnn
