// Writes what is installed beside the program and follows from its own table of options:
//
//     charrnn_manual FOLDER
//
//     charrnn_dist.1, charrnn_dist-train.1, …   manual pages
//     charrnn_dist.bash, _charrnn_dist          completion for bash and zsh
//     options.md                                the rows of the README's table of options
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "app/program.hpp"
#include "base/atomic_file.hpp"
#include "manual/manual.hpp"

namespace charrnn {

namespace {

/// The options of a training run by table, with defaults, as the rows of a Markdown table.
std::string options_table() {
  RunConfig defaults;
  std::string text, table;
  for (const Option& option : option_table()) {
    if (table != option.table) text += fmt::format("{}| {} | ", table.empty() ? "" : " |\n", option.table);
    if (table == option.table) text += ", ";
    table = option.table;
    text += fmt::format("`{}`", option.name);
    const std::string value = to_text(option.member(defaults));
    if (!value.empty() && value != "0" && value != "off") text += fmt::format(" ({})", value);
  }
  return text + " |\n";
}

void write_all(const std::filesystem::path& folder) {
  const Commands commands = all_commands();
  replace_file(folder / "charrnn_dist.1", program_manual(commands));
  for (const Command& command : commands) {
    replace_file(folder / fmt::format("charrnn_dist-{}.1", command.name()), command_manual(command));
  }
  replace_file(folder / "charrnn_dist.bash", bash_completion(commands));
  replace_file(folder / "_charrnn_dist", zsh_completion(commands));
  replace_file(folder / "options.md", options_table());
}

}  // namespace

}  // namespace charrnn

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: charrnn_manual FOLDER\n");
    return static_cast<int>(charrnn::ExitCode::kUsage);
  }
  try {
    charrnn::write_all(argv[1]);
    return static_cast<int>(charrnn::ExitCode::kDone);
  } catch (const charrnn::Error& error) {
    fmt::print(stderr, "charrnn_manual: error: {}\n", error.what());
    return static_cast<int>(error.code());
  }
}
