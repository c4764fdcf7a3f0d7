#include "app/help.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/messages.hpp"
#include "base/text.hpp"

namespace charrnn {

namespace {

/// A term and what it means, in two columns, or below each other where there is no room.
void add_entry(std::string& text, const std::string& term, const std::string& meaning, std::size_t terms,
               std::size_t width) {
  const bool narrow = width < terms + 30;
  const std::size_t indent = narrow ? 6 : terms;
  text += "  " + term;
  if (narrow || term.size() + 4 > terms) {
    text += "\n" + std::string(indent, ' ');
  } else {
    text += std::string(terms - term.size() - 2, ' ');
  }
  add_wrapped(text, meaning, indent, indent, width);
}

void add_examples(std::string& text, const Strings& lines, std::size_t width) {
  text += "\nexamples:\n";
  for (const std::string& line : lines) {
    text += "  ";
    add_wrapped(text, line, 2, 6, width, " \\");
  }
}

std::size_t columns(int width) {
  return static_cast<std::size_t>(std::clamp(width, 40, 100));
}

}  // namespace

std::string synopsis(const Argument& argument) {
  switch (argument.kind) {
    case Argument::Kind::kFlag:
      return "--[no-]" + argument.name;
    case Argument::Kind::kOne:
      return fmt::format("--{} {}", argument.name, argument.value);
    case Argument::Kind::kOptional:
      return fmt::format("--{} [{}]", argument.name, argument.value);
    case Argument::Kind::kList:
      return fmt::format("--{} {}{}", argument.name, argument.value,
                         argument.value.find_first_of(",|") == std::string::npos ? "..." : "");
    case Argument::Kind::kWords:
      break;
  }
  return argument.value;
}

std::string description(const Argument& argument) {
  std::string text = argument.help;
  const bool has_default = !argument.usual.empty() && text.find("default") == std::string::npos;
  if (argument.required) {
    text += " (required)";
  } else if (!argument.range.empty() || has_default) {
    text += fmt::format(" ({}{}{})", argument.range, !argument.range.empty() && has_default ? ", " : "",
                        has_default ? "default: " + argument.usual : "");
  }
  return as_flags(text);
}

std::string program_help(const Commands& commands, int width) {
  const std::size_t most = columns(width);
  std::string text = "usage: charrnn_dist COMMAND [OPTIONS]\n\n";
  add_wrapped(text, kSummary, 0, 0, most);
  text += "\ncommands:\n";
  for (const Command& command : commands) add_entry(text, command.name(), command.summary(), 12, most);
  add_entry(text, "help", "explain a command", 12, most);
  text += "\noptions:\n";
  add_entry(text, "-h, --help", "explain the program or a command", 18, most);
  add_entry(text, "-V, --version", "show the versions of the program and its libraries", 18, most);
  add_examples(text,
               Strings{"charrnn_dist train --corpus text.txt --model gru --name first",
                       "charrnn_dist sample runs/first --length 400", "charrnn_dist help train"},
               most);
  return text;
}

std::string command_help(const std::string& program, const Command& command, int width) {
  const std::size_t most = columns(width);
  std::string words;
  for (const Argument& argument : command.arguments()) {
    if (argument.kind == Argument::Kind::kWords) words = " " + synopsis(argument);
  }
  std::string text;
  add_wrapped(text, fmt::format("usage: {}{} [OPTIONS]", program, words), 0, 6, most);
  text += '\n';
  add_wrapped(text, command.summary(), 0, 0, most);
  constexpr std::size_t kTerms = 30;
  std::string group = "none";
  for (const Argument& argument : command.arguments()) {
    if (group != argument.group) text += fmt::format("\n{}:\n", argument.group.empty() ? "options" : argument.group);
    group = argument.group;
    add_entry(text, synopsis(argument), description(argument), kTerms, most);
  }
  if (!command.text().empty()) {
    text += '\n';
    add_wrapped(text, as_flags(command.text()), 0, 0, most);
  }
  add_examples(text, command.examples(), most);
  return text;
}

}  // namespace charrnn
