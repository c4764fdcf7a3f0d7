#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "manual/manual.hpp"

namespace charrnn {

namespace {

Strings names(const Commands& commands) {
  Strings all;
  for (const Command& command : commands) all.push_back(command.name());
  all.emplace_back("help");
  return all;
}

/// Every way to spell the command's options.
Strings flags(const Command& command) {
  Strings all;
  for (const Argument& argument : command.arguments()) {
    if (argument.kind == Argument::Kind::kWords) continue;
    all.push_back("--" + argument.name);
    if (argument.kind == Argument::Kind::kFlag) all.push_back("--no-" + argument.name);
  }
  all.emplace_back("--help");
  return all;
}

bool is_file(const Argument& argument) {
  return argument.value == "FILE" || argument.value == "PATH" || argument.value == "FOLDER";
}

}  // namespace

std::string bash_completion(const Commands& commands) {
  std::string text =
      "# bash completion of charrnn_dist\n"
      "_charrnn_dist() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n";
  text += fmt::format("    COMPREPLY=($(compgen -W '{} --help --version' -- \"$word\"))\n",
                      fmt::join(names(commands), " "));
  text += "    return\n  fi\n  case ${COMP_WORDS[1]}:$before in\n";
  text += fmt::format("    help:*) COMPREPLY=($(compgen -W '{}' -- \"$word\")); return ;;\n",
                      fmt::join(names(commands), " "));
  for (const Command& command : commands) {
    for (const Argument& argument : command.arguments()) {
      if (argument.kind == Argument::Kind::kFlag || argument.kind == Argument::Kind::kWords) continue;
      std::string reply = "()";
      if (argument.value.find('|') != std::string::npos) {
        reply = fmt::format("($(compgen -W '{}' -- \"$word\"))", fmt::join(split(argument.value, '|'), " "));
      } else if (is_file(argument)) {
        reply = "($(compgen -f -- \"$word\"))";
      }
      text += fmt::format("    {}:--{}) COMPREPLY={}; return ;;\n", command.name(), argument.name, reply);
    }
  }
  text += "  esac\n  case ${COMP_WORDS[1]}:$word in\n";
  for (const Command& command : commands) {
    text += fmt::format("    {}:-*) COMPREPLY=($(compgen -W '{}' -- \"$word\")) ;;\n", command.name(),
                        fmt::join(flags(command), " "));
  }
  return text +
         "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _charrnn_dist charrnn_dist\n";
}

namespace {

/// Text inside zsh's '…[…]': brackets, colons and quotes are its own.
std::string zsh_text(const std::string& text) {
  std::string all;
  for (const char c : text) {
    if (c == '\'') {
      all += "'\\''";
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\') all += '\\';
    all += c;
  }
  return all;
}

}  // namespace

std::string zsh_completion(const Commands& commands) {
  std::string text = "#compdef charrnn_dist\n_charrnn_dist() {\n  if (( CURRENT == 2 )); then\n    _values command";
  for (const Command& command : commands)
    text += fmt::format(" \\\n      '{}[{}]'", command.name(), zsh_text(command.summary()));
  text += " \\\n      'help[explain a command]'\n    return\n  fi\n  case $words[2] in\n";
  for (const Command& command : commands) {
    text += fmt::format("    {}) shift words; (( CURRENT-- )); _arguments", command.name());
    for (const Argument& argument : command.arguments()) {
      std::string action = " ";
      if (argument.value.find('|') != std::string::npos)
        action = fmt::format("({})", fmt::join(split(argument.value, '|'), " "));
      if (is_file(argument)) action = "_files";
      if (argument.kind == Argument::Kind::kWords) {
        text += " \\\n      '*:path:_files'";
      } else if (argument.kind == Argument::Kind::kFlag) {
        text +=
            fmt::format(" \\\n      '--{0}[{1}]' '--no-{0}[not: {1}]'", argument.name, zsh_text(description(argument)));
      } else {
        text += fmt::format(" \\\n      '--{}[{}]:{}:{}'", argument.name, zsh_text(description(argument)),
                            zsh_text(argument.name), action);
      }
    }
    text += " ;;\n";
  }
  return text + fmt::format("    help) _values command {} ;;\n  esac\n}}\n_charrnn_dist \"$@\"\n",
                            fmt::join(names(commands), " "));
}

}  // namespace charrnn
