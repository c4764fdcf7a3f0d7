#include "app/command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "app/messages.hpp"
#include "base/text.hpp"
#include "config/nearest.hpp"

namespace charrnn {

namespace {

using Kind = Argument::Kind;

Kind kind_of(Value value) {
  if (std::holds_alternative<bool*>(value)) return Kind::kFlag;
  const bool is_list = std::holds_alternative<Strings*>(value) || std::holds_alternative<Integers*>(value) ||
                       std::holds_alternative<Numbers*>(value) || std::holds_alternative<Paths*>(value);
  return is_list ? Kind::kList : Kind::kOne;
}

std::string range_text(const Rule& rule) {
  constexpr double kFar = 1e6;  // help is silent about limits that no sensible value reaches
  if (rule.most >= kFar || rule.open || rule.open_above) return "";
  return fmt::format("{} to {}", rule.least, rule.most);
}

Argument describe(const char* group, const char* name, Value value, const Rule& rule, const char* value_name,
                  std::string help) {
  const bool has_choices = *rule.choices != '\0';
  return {.group = group,
          .name = name,
          .kind = kind_of(value),
          .value = has_choices ? rule.choices : value_name,
          .help = std::move(help),
          .range = range_text(rule),
          .usual = to_text(value),
          .take = {},
          .empty_value = rule.free_text,
          .older = ""};
}

bool is_option(const std::string& word) {
  return word.size() > 2 && word.starts_with("--");
}

}  // namespace

Argument& Command::add_row(ConfigSources& sources, const Option& option, const Rule& rule, std::string help) {
  RunConfig defaults;
  Argument& added = arguments_.emplace_back(
      describe(option.table, option.name, option.member(defaults), rule, option.value, std::move(help)));
  added.older = option.older;
  added.take = [&sources, &option, rule](const Strings& words) {
    const Value value = sources.command_line.give(option, "");
    parse_value(words, option.name, value);
    check_value(option.name, value, rule);
  };
  return added;
}

void Command::add_training_options(ConfigSources& sources) {
  add("config", &sources.file, {}, "FILE", "read options from a TOML file; the command line wins over it");
  for (const Option& option : option_table()) add_row(sources, option, option.rule, option.help);
}

void Command::add_training_options(ConfigSources& sources, std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    const Option& option = *find_option(option_table(), name);
    const bool has_more = *option.choices_to_predict != '\0';
    add_row(sources, option, has_more ? one_of(option.choices_to_predict) : option.rule,
            has_more ? fmt::format("{}; {}", option.help, option.help_to_predict) : option.help)
        .group = "";
  }
}

Argument& Command::add(const char* name, Value target, const Rule& rule, const char* value, const char* help) {
  Argument& added = arguments_.emplace_back(describe("", name, target, rule, value, help));
  added.take = [name = std::string(name), target, rule](const Strings& words) {
    parse_value(words, name.c_str(), target);
    check_value(name.c_str(), target, rule);
  };
  return added;
}

Argument& Command::add(const char* name, bool& target, const char* help) {
  return add(name, &target, {}, "", help);
}

Argument& Command::add_paths(const char* name, Argument::Kind kind, Strings& target, const char* help) {
  return arguments_.emplace_back(
      Argument{.group = "",
               .name = name,
               .kind = kind,
               .value = "PATH",
               .help = help,
               .range = "",
               .usual = "",
               .take = [&target](const Strings& words) { target.insert(target.end(), words.begin(), words.end()); },
               .older = ""});
}

void Command::explain(std::string text, Strings examples) {
  text_ = std::move(text);
  examples_ = std::move(examples);
}

Argument& Command::argument(const std::string& name) {
  return *std::ranges::find(arguments_, name, &Argument::name);
}

Argument& Command::find(const std::string& name) {
  Strings known;
  for (Argument& one : arguments_) {
    if (one.kind == Kind::kWords) continue;
    if (one.name == name || (one.kind == Kind::kFlag && "no-" + one.name == name)) return one;
    const Strings older = split(one.older, '|');
    if (std::ranges::find(older, name) != older.end()) {
      warn_on_stderr(fmt::format("--{} is called --{} now", name, one.name));
      return one;
    }
    known.push_back(one.name);
    if (one.usual == "on") known.push_back("no-" + one.name);
  }
  const std::string best = nearest(name, known);
  throw UsageError(fmt::format("{} has no option --{}{}", name_, name,
                               best.empty() ? "" : fmt::format("; did you mean --{}?", best)));
}

void Command::parse(const Strings& words) {
  std::map<Argument*, Strings> given;
  Argument* open = nullptr;  // takes the next words
  const auto words_of_none = std::ranges::find(arguments_, Kind::kWords, &Argument::kind);
  const auto take = [&](Argument& argument, const std::string& value) {
    require<UsageError>(!value.empty() || argument.empty_value, "{} needs a value, not an empty one",
                        argument.kind == Kind::kWords ? argument.name : "--" + argument.name);
    given[&argument].push_back(value);
    if (argument.kind != Kind::kList) open = nullptr;
  };
  const auto close = [&] {
    require<UsageError>(open == nullptr || open->kind == Kind::kOptional || !given[open].empty(), "--{} needs a value",
                        open == nullptr ? "" : open->name);
    open = nullptr;
  };
  bool only_words = false;
  for (const std::string& word : words) {
    if (only_words || !is_option(word)) {
      if (!only_words && word == "--") {
        close();
        only_words = true;
      } else if (open != nullptr) {
        take(*open, word);
      } else {
        const bool is_word = words_of_none != arguments_.end() && (only_words || !word.starts_with('-'));
        require<UsageError>(is_word, "{} does not know what to do with '{}'", name_, word);
        take(*words_of_none, word);
      }
      continue;
    }
    close();
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string name = word.substr(2, equals - 2);
    Argument& argument = find(name);
    if (argument.kind != Kind::kList) given[&argument].clear();
    given[&argument];
    if (argument.kind != Kind::kFlag) open = &argument;
    if (argument.kind == Kind::kFlag) {
      const bool is_no = name.starts_with("no-") && name != argument.name;
      require<UsageError>(!is_no || equals == word.size(), "--{} takes no value", name);
      take(argument, equals < word.size() ? word.substr(equals + 1) : is_no ? "off" : "on");
    } else if (equals < word.size()) {
      take(argument, word.substr(equals + 1));
    }
  }
  close();
  for (const auto& [argument, values] : given) argument->take(values);
  for (Argument& argument : arguments_) {
    require<UsageError>(!argument.required || given.contains(&argument), "{} needs {}", name_,
                        argument.kind == Kind::kWords ? argument.name : "--" + argument.name);
  }
}

}  // namespace charrnn
