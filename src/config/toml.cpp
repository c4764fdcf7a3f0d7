#include "config/toml.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <type_traits>

#include "base/error.hpp"
#include "config/nearest.hpp"

namespace charrnn {

namespace {

/// The element's value if it is of that type; a whole number stands for any number.
template <class T>
bool read_one(const toml::node& node, T& value) {
  if constexpr (std::is_same_v<T, double>) {
    if (!node.is_number()) return false;
    value = *node.value<double>();
  } else {
    const auto* one = node.as<T>();
    if (one == nullptr) return false;
    value = one->get();
  }
  return true;
}

template <class T>
bool read_one(const toml::node& node, std::vector<T>& value) {
  const toml::array* const elements = node.as_array();
  return elements != nullptr && std::ranges::all_of(*elements, [&](const toml::node& element) {
           return read_one(element, value.emplace_back());
         });
}

bool read_one(const toml::node& node, Paths& value) {
  return node.is_string() ? read_one(node, value.emplace_back()) : read_one(node, static_cast<Strings&>(value));
}

const char* type_name(Value value) {
  constexpr const char* kNames[] = {"true or false",
                                    "a whole number",
                                    "a number",
                                    "a string",
                                    "a list of strings, such as [\"1e-3:4\", \"1e-4:4\"]",
                                    "a list of whole numbers",
                                    "a list of numbers",
                                    "a path, or a list of paths"};
  return kNames[value.index()];
}

/// The tables of a config, one call per key.
class Reader {
 public:
  Reader(const std::string& source, UnknownKeys unknown, Strings* notes)
      : source_(source), unknown_(unknown), notes_(notes) {}

  GivenOptions read(const toml::table& root) {
    Strings tables;
    for (const Option& option : option_table()) {
      if (tables.empty() || tables.back() != option.table) tables.emplace_back(option.table);
    }
    for (const auto& [key, node] : root) {
      const std::string name(key.str());
      if (node.is_value() || std::ranges::find(tables, name) == tables.end()) {
        const Option* const option = find_option(option_table(), name);
        refuse_or_note(node, option != nullptr
                                 ? fmt::format("'{}' belongs in the table [{}]", name, option->table)
                                 : fmt::format("there is no table [{}]{}", name, did_you_mean(name, tables)));
      } else if (const toml::table* table = node.as_table()) {
        read_table(name, *table);
      } else {
        throw UsageError(
            fmt::format("{}: [{}] must be a table that stands there once, written [{}]", place(node), name, name));
      }
    }
    return std::move(given_);
  }

 private:
  std::string place(const toml::node& node) const {
    return fmt::format("{}:{}:{}", source_, node.source().begin.line, node.source().begin.column);
  }

  void note(const std::string& text) {
    if (notes_ != nullptr) notes_->push_back(text);
  }

  void refuse_or_note(const toml::node& node, const std::string& what) {
    if (unknown_ == UnknownKeys::kRefuse) throw UsageError(fmt::format("{}: {}", place(node), what));
    note(fmt::format("{}: {}; ignored", place(node), what));
  }

  void read_table(const std::string& table, const toml::table& entries) {
    Strings seen, known;
    for (const Option& option : option_table()) {
      if (table == option.table) known.emplace_back(option.name);
    }
    for (const auto& [key, entry] : entries) {
      const toml::node& node = entry;
      const std::string name(key.str());
      const Option* const option = find_option(option_table(), name);
      if (option == nullptr) {
        refuse_or_note(node, fmt::format("[{}] has no option '{}'{}", table, name, did_you_mean(name, known)));
        continue;
      }
      if (table != option->table) {
        refuse_or_note(node, fmt::format("'{}' belongs in the table [{}], not [{}]", name, option->table, table));
        continue;
      }
      require<UsageError>(std::ranges::find(seen, option->name) == seen.end(), "{}: '{}' is given twice", place(node),
                          option->name);
      seen.emplace_back(option->name);
      std::string spelled = name;
      std::ranges::replace(spelled, '_', '-');
      if (spelled != option->name) {
        note(fmt::format("{}: '{}' is called '{}' now", place(node), name, option->name));
      }
      const Value value = given_.give(*option, place(node));
      const bool is_right = std::visit(
          [&](auto* target) {
            *target = {};
            return read_one(node, *target);
          },
          value);
      require<UsageError>(is_right, "{}: {} must be {}", place(node), option->name, type_name(value));
    }
  }

  const std::string& source_;
  UnknownKeys unknown_;
  Strings* notes_;
  GivenOptions given_;
};

/// All of a file, to its end: it may be a pipe, or empty.
std::string read_file(const std::string& path) {
  const auto check = [&](ssize_t result) {
    require<UsageError>(result >= 0, "cannot read the config '{}': {}", path, std::strerror(errno));
    return static_cast<std::size_t>(result);
  };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  check(file);
  std::string text;
  try {
    char buffer[4096];
    while (const std::size_t got = check(::read(file, buffer, sizeof buffer))) text.append(buffer, got);
  } catch (...) {
    ::close(file);
    throw;
  }
  ::close(file);
  return text;
}

}  // namespace

GivenOptions read_toml(const std::string& text, const std::string& source, UnknownKeys unknown, Strings* notes) {
  toml::table root;
  try {
    root = toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    throw UsageError(fmt::format("{}:{}:{}: not valid TOML: {}", source, error.source().begin.line,
                                 error.source().begin.column, error.description()));
  }
  return Reader(source, unknown, notes).read(root);
}

GivenOptions read_toml_file(const std::string& path, Strings* notes) {
  return read_toml(read_file(path), path, UnknownKeys::kRefuse, notes);
}

std::string write_toml(const RunConfig& config) {
  RunConfig copy = config;
  std::string text, table;
  for (const Option& option : option_table()) {
    if (table != option.table) {
      text += fmt::format("{}[{}]\n", table.empty() ? "" : "\n", option.table);
      table = option.table;
    }
    text += fmt::format("{} = {}\n", option.name, to_toml(option.member(copy)));
  }
  return text;
}

}  // namespace charrnn
