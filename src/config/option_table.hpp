// Every option of a training run, one row each. The command line, config files, checks, help, the manual page, the
// README's table and what a resume may change all follow from these rows; docs/extending.md shows how to add one.
#pragma once

#include <string>
#include <vector>

#include "config/run_config.hpp"
#include "config/value.hpp"

namespace charrnn {

/// Whether a resumed run may have another value than its checkpoint.
enum class OnResume {
  kFree,
  kFixed,                ///< no: what was trained would not fit it
  kFixedIfReproducible,  ///< not in reproducible mode, because it decides the bits
};

/// The default is what the member is initialised with in run_config.hpp.
struct Option {
  const char* table;  ///< in config files, and the heading in help
  const char* name;   ///< on the command line and in config files
  Value (*member)(RunConfig&);
  OnResume on_resume;
  Rule rule;
  const char* value;  ///< what help calls the value: FILE, N; for choices they themselves, for a flag ""
  const char* help;
  const char* older = "";               ///< names it had before, separated by '|'
  const char* choices_to_predict = "";  ///< what commands that train nothing can choose, if that is more: "a|b|c"
  const char* help_to_predict = "";     ///< what their help adds: "c: ..."
};

const std::vector<Option>& option_table();

/// The option that has this name, or had it; null if there is none. '_' counts as '-'.
const Option* find_option(const std::vector<Option>& rows, std::string name);

}  // namespace charrnn
