#include <fmt/format.h>

#include "app/messages.hpp"
#include "base/program_version.hpp"
#include "manual/manual.hpp"

namespace charrnn {

namespace {

/// Text as troff prints it: backslashes and hyphens as they are, no line that begins with a control character.
std::string plain(const std::string& text) {
  std::string all;
  for (const char c : text) {
    if (c == '\\') {
      all += "\\e";
    } else if (c == '-') {
      all += "\\-";
    } else {
      if ((c == '.' || c == '\'') && all.empty()) all += "\\&";
      all += c;
    }
  }
  return all;
}

std::string head(const std::string& name, const std::string& summary) {
  return fmt::format(".TH \"{0}\" \"1\" \"\" \"charrnn_dist {1}\" \"User Commands\"\n.SH NAME\n{2} \\- {3}\n", name,
                     kProgramVersion, plain(name), plain(summary));
}

std::string entry(const std::string& term, const std::string& meaning) {
  return fmt::format(".TP\n\\fB{}\\fR\n{}\n", plain(term), plain(meaning));
}

constexpr const char* kExitStatus =
    ".SH EXIT STATUS\n.TP\n0\ndone\n.TP\n2\nbad usage or config\n.TP\n65\nbad corpus or checkpoint\n.TP\n70\na bug\n"
    ".TP\n75\ninterrupted; start again with \\-\\-resume\n";

}  // namespace

std::string program_manual(const Commands& commands) {
  std::string text = head("charrnn_dist", kSummary);
  text += ".SH SYNOPSIS\n\\fBcharrnn_dist\\fR COMMAND [OPTIONS]\n.SH COMMANDS\n";
  for (const Command& command : commands) text += entry(command.name(), command.summary());
  text += entry("help [COMMAND]", "explain the program or a command");
  text += ".SH OPTIONS\n" + entry("-h, --help", "explain the program or a command") +
          entry("-V, --version", "show the versions of the program and its libraries");
  text += kExitStatus;
  text += ".SH SEE ALSO\n";
  for (std::size_t i = 0; i < commands.size(); ++i) {
    text += fmt::format(".BR charrnn_dist\\-{} (1){}\n", plain(commands[i].name()), i + 1 < commands.size() ? "," : "");
  }
  return text;
}

std::string command_manual(const Command& command) {
  std::string text = head("charrnn_dist-" + command.name(), command.summary());
  text += fmt::format(".SH SYNOPSIS\n\\fBcharrnn_dist {}\\fR", plain(command.name()));
  for (const Argument& argument : command.arguments()) {
    if (argument.kind == Argument::Kind::kWords) text += " " + plain(synopsis(argument));
  }
  text += " [OPTIONS]\n.SH OPTIONS\n";
  std::string group;
  for (const Argument& argument : command.arguments()) {
    if (group != argument.group) text += fmt::format(".SS {}\n", argument.group);
    group = argument.group;
    text += entry(synopsis(argument), description(argument));
  }
  if (!command.text().empty()) text += ".SH NOTES\n" + plain(as_flags(command.text())) + "\n";
  text += kExitStatus;
  text += ".SH EXAMPLES\n.nf\n";
  for (const std::string& example : command.examples()) text += plain(example) + "\n";
  return text + ".fi\n.SH SEE ALSO\n.BR charrnn_dist (1)\n";
}

}  // namespace charrnn
