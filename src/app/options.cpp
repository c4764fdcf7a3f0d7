#include "app/options.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <sstream>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/error.hpp"

namespace charrnn {

namespace {

using List = std::vector<std::string>;
template <class T>
using Access = std::function<T&(RunConfig&)>;

struct Option {
  const char* table;
  const char* name;
  std::variant<Access<bool>, Access<std::int64_t>, Access<double>, Access<std::string>, Access<List>> field;
  const char* help;
};

#define CHARRNN_FIELD(type, path) Access<type>([](RunConfig& config) -> type& { return config.path; })

const std::vector<Option>& options() {
  using I = std::int64_t;
  using S = std::string;
  static const std::vector<Option> table = {
      {"data", "corpus", CHARRNN_FIELD(S, data.corpus), "text file to train on (UTF-8)"},
      {"data", "columns", CHARRNN_FIELD(I, data.columns),
       "columns the text is cut into: the whole job's batch"},
      {"data", "bptt", CHARRNN_FIELD(I, data.bptt), "rows of a window that backpropagation runs through"},
      {"data", "bptt-jitter", CHARRNN_FIELD(bool, data.bptt_jitter),
       "draw window lengths around bptt, as fast.ai does"},
      {"data", "lowercase", CHARRNN_FIELD(bool, data.lowercase), "lowercase the text"},
      {"data", "bytes", CHARRNN_FIELD(bool, data.bytes), "bytes instead of characters, 256 symbols"},
      {"data", "min-freq", CHARRNN_FIELD(I, data.min_freq), "characters seen less often are unknown"},
      {"data", "train-characters", CHARRNN_FIELD(I, data.train_characters),
       "length of the training part; 0: by --train-fraction"},
      {"data", "train-fraction", CHARRNN_FIELD(double, data.train_fraction),
       "part of the text that is trained on; of windows: so many random ones"},
      {"data", "full-vocabulary", CHARRNN_FIELD(bool, data.full_vocabulary),
       "every character of the text, none unknown"},
      {"data", "window", CHARRNN_FIELD(I, data.window),
       "windows of so many characters in random order, --columns of them a batch; 0: columns of running "
       "text"},
      {"data", "stride", CHARRNN_FIELD(I, data.stride), "from one window to the next; 0: their length"},
      {"data", "windows", CHARRNN_FIELD(I, data.windows), "only the first so many windows; 0: all"},
      {"data", "predict", CHARRNN_FIELD(S, data.predict),
       "every next character of a window, or only the last"},
      {"model", "model", CHARRNN_FIELD(S, model.model),
       "rnn, gru, lstm, or a model of the notebook (docs/models.md)"},
      {"model", "layers", CHARRNN_FIELD(I, model.layers), "recurrent layers"},
      {"model", "hidden", CHARRNN_FIELD(I, model.hidden), "hidden units of a layer"},
      {"model", "embedding", CHARRNN_FIELD(I, model.embedding), "size of a character's embedding"},
      {"model", "recurrent-init", CHARRNN_FIELD(S, model.recurrent_init),
       "start of the hidden-to-hidden weights: uniform or identity"},
      {"model", "dropout", CHARRNN_FIELD(double, model.dropout), "dropout between layers"},
      {"model", "dropout-input", CHARRNN_FIELD(double, model.dropout_input),
       "dropout of embedded characters"},
      {"model", "dropout-output", CHARRNN_FIELD(double, model.dropout_output),
       "dropout of the last layer's outputs"},
      {"model", "locked-dropout", CHARRNN_FIELD(bool, model.locked_dropout),
       "one dropout mask for all rows of a window"},
      {"model", "weight-dropout", CHARRNN_FIELD(double, model.weight_dropout),
       "dropout of hidden-to-hidden weights, one mask a window"},
      {"optimizer", "optimizer", CHARRNN_FIELD(S, optimizer.optimizer),
       "adam, or adamw (decoupled weight decay)"},
      {"optimizer", "learning-rate", CHARRNN_FIELD(double, optimizer.learning_rate), "learning rate"},
      {"optimizer", "weight-decay", CHARRNN_FIELD(double, optimizer.weight_decay), "weight decay"},
      {"optimizer", "clip-norm", CHARRNN_FIELD(double, optimizer.clip_norm),
       "limit of the gradient's norm; 0: none"},
      {"optimizer", "weight-average", CHARRNN_FIELD(double, optimizer.weight_average),
       "validate and save a running average of the weights with this decay, e.g. 0.999; 0: none"},
      {"optimizer", "groups", CHARRNN_FIELD(List, optimizer.groups),
       "PATTERN=LR[:WEIGHT_DECAY],… own values for parameters by name, e.g. e.*=1e-3:0"},
      {"optimizer", "epochs", CHARRNN_FIELD(I, optimizer.epochs),
       "epochs; 0: what --phases add up to, else 4"},
      {"optimizer", "max-steps", CHARRNN_FIELD(I, optimizer.max_steps),
       "end after so many steps; 0: no limit"},
      {"schedule", "schedule", CHARRNN_FIELD(S, schedule.schedule),
       "constant, phases, or sgdr (cosine, warm restarts)"},
      {"schedule", "phases", CHARRNN_FIELD(List, schedule.phases),
       "LR:EPOCHS,… e.g. 1e-3:4,1e-4:4; with sgdr: before it"},
      {"schedule", "cycle-epochs", CHARRNN_FIELD(I, schedule.cycle_epochs), "epochs of sgdr's first cycle"},
      {"schedule", "cycle-mult", CHARRNN_FIELD(I, schedule.cycle_mult),
       "each next cycle is so many times as long"},
      {"run", "run-dir", CHARRNN_FIELD(S, run.run_dir), "folder of all runs"},
      {"run", "name", CHARRNN_FIELD(S, run.name), "this run's folder in it; default: the model's name"},
      {"run", "seed", CHARRNN_FIELD(I, run.seed), "seed of everything random"},
      {"run", "device", CHARRNN_FIELD(S, run.device), "auto, cpu or cuda"},
      {"run", "comm", CHARRNN_FIELD(S, run.comm), "gradients over auto, mpi or nccl"},
      {"run", "engine", CHARRNN_FIELD(S, run.engine),
       "auto, torch (LibTorch, every model) or native (CPUs; rnn, gru, lstm)"},
      {"run", "precision", CHARRNN_FIELD(S, run.precision),
       "fp32, or bf16: factors of matrix products are rounded (on GPUs layers' results too), all else stays "
       "fp32"},
      {"run", "threads", CHARRNN_FIELD(I, run.threads), "threads per rank; 0: its share of the cores"},
      {"run", "timeout", CHARRNN_FIELD(double, run.timeout),
       "seconds to wait for another rank before giving up"},
      {"run", "save-every", CHARRNN_FIELD(I, run.save_every),
       "checkpoint every so many steps; 0: at epoch ends"},
      {"run", "validate-every", CHARRNN_FIELD(I, run.validate_every), "validate every so many steps too"},
      {"run", "log-every", CHARRNN_FIELD(I, run.log_every), "a line in metrics.jsonl every so many steps"},
      {"run", "check-every", CHARRNN_FIELD(I, run.check_every),
       "compare the ranks' parameters every so many steps; 0: at checkpoints"},
      {"run", "reproducible", CHARRNN_FIELD(bool, run.reproducible),
       "the same bits on any number of ranks (docs/reproducibility.md)"},
      {"run", "micro-batches", CHARRNN_FIELD(I, run.micro_batches),
       "with --reproducible: groups that the columns are cut into; the most ranks it can have"},
  };
  return table;
}

#undef CHARRNN_FIELD

/// Levenshtein distance: how many letters to add, drop or change.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row.back();
}

std::string nearest(const std::string& word, const std::vector<std::string>& candidates) {
  const auto best = std::min_element(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
    return distance(word, a) < distance(word, b);
  });
  return best != candidates.end() ? *best : "";
}

std::string place(const std::string& source, const toml::source_region& region) {
  return fmt::format("{}:{}:{}", source, region.begin.line, region.begin.column);
}

template <class T>
void read_value(const toml::node& node, const std::string& where, const Option& option, T& value) {
  const auto check = [&](bool right, const char* kind) {
    require<UsageError>(right, "{}: {}.{} must be {}", where, option.table, option.name, kind);
  };
  if constexpr (std::is_same_v<T, List>) {
    check(node.is_array(), "a list of strings, such as [\"1e-3:4\", \"1e-4:4\"]");
    value.clear();
    for (const toml::node& element : *node.as_array()) {
      check(element.is_string(), "a list of strings");
      value.push_back(**element.as_string());
    }
  } else if constexpr (std::is_same_v<T, std::string>) {
    check(node.is_string(), "a string");
    value = **node.as_string();
  } else if constexpr (std::is_same_v<T, bool>) {
    check(node.is_boolean(), "true or false");
    value = **node.as_boolean();
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    check(node.is_integer(), "a whole number");
    value = **node.as_integer();
  } else {
    check(node.is_number(), "a number");
    value = *node.value<double>();
  }
}

toml::table to_table(const RunConfig& config, const std::string& only_table = "") {
  RunConfig copy = config;
  toml::table all;
  for (const Option& option : options()) {
    if (!only_table.empty() && only_table != option.table) continue;
    if (all.get(option.table) == nullptr) all.insert(option.table, toml::table{});
    toml::table& table = *all.get_as<toml::table>(option.table);
    std::visit(
        [&](const auto& field) {
          auto& value = field(copy);
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, List>) {
            toml::array list;
            for (const std::string& text : value) list.push_back(text);
            table.insert(option.name, std::move(list));
          } else {
            table.insert(option.name, value);
          }
        },
        option.field);
  }
  return all;
}

void declare_options(CLI::App& app, RunConfig& target, const std::string& without) {
  for (const Option& option : options()) {
    if (option.name == without) continue;
    std::visit(
        [&](const auto& field) {
          auto& value = field(target);
          const std::string name = std::string("--") + option.name;
          CLI::Option* declared = nullptr;
          if constexpr (std::is_same_v<std::decay_t<decltype(value)>, bool>) {
            declared = app.add_flag(fmt::format("{},!--no-{}", name, option.name), value, option.help);
          } else if constexpr (std::is_same_v<std::decay_t<decltype(value)>, List>) {
            declared = app.add_option(name, value, option.help)->delimiter(',')->expected(1, -1);
          } else {
            declared = app.add_option(name, value, option.help)->capture_default_str()->take_last();
          }
          declared->group(option.table);
        },
        option.field);
  }
}

std::string read_config_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  require<UsageError>(file.good() && text.good(), "cannot read the config '{}': {}", path,
                      std::strerror(errno));
  return text.str();
}

}  // namespace

void ConfigSources::declare(CLI::App& command, const std::string& without) {
  command_ = &command;
  without_ = without;
  command.add_option("--config", file_, "TOML file; the command line wins over it");
  declare_options(command, options_, without);
}

void ConfigSources::apply(RunConfig& config) const {
  if (!file_.empty()) {
    if (!text_) text_ = read_config_text(file_);
    read_config(*text_, file_, config);
  }
  RunConfig from = options_;
  for (const Option& option : options()) {
    if (option.name == without_ || command_->count(std::string("--") + option.name) == 0) continue;
    std::visit([&](const auto& field) { field(config) = field(from); }, option.field);
  }
}

void read_config(const std::string& toml, const std::string& source, RunConfig& target) {
  toml::table root;
  try {
    root = toml::parse(toml, source);
  } catch (const toml::parse_error& error) {
    throw UsageError(
        fmt::format("{}: not valid TOML: {}", place(source, error.source()), error.description()));
  }
  std::vector<std::string> tables;
  for (const Option& option : options()) tables.emplace_back(option.table);
  for (const auto& [table_key, table_node] : root) {
    const std::string table(table_key.str());
    const std::string where = place(source, table_node.source());
    require<UsageError>(
        std::find(tables.begin(), tables.end(), table) != tables.end() && table_node.is_table(),
        "{}: there is no table [{}]; did you mean [{}]?", where, table, nearest(table, tables));
    std::vector<std::string> keys;
    for (const Option& option : options()) {
      if (table == option.table) keys.emplace_back(option.name);
    }
    for (const auto& [key, value] : *table_node.as_table()) {
      const toml::node& node = value;  // clang cannot capture a structured binding
      std::string name(key.str());
      std::replace(name.begin(), name.end(), '_', '-');
      const auto option = std::find_if(options().begin(), options().end(), [&](const Option& candidate) {
        return table == candidate.table && name == candidate.name;
      });
      const std::string at = place(source, node.source());
      require<UsageError>(option != options().end(), "{}: [{}] has no key '{}'; did you mean '{}'?", at,
                          table, key.str(), nearest(name, keys));
      std::visit([&](const auto& field) { read_value(node, at, *option, field(target)); }, option->field);
    }
  }
}

std::string write_config(const RunConfig& config) {
  std::ostringstream text;
  text << to_table(config) << '\n';
  return text.str();
}

std::string differences(const RunConfig& a, const RunConfig& b, const std::string& table) {
  const toml::table all_a = to_table(a, table), all_b = to_table(b, table);
  std::string found;
  for (const auto& [key, value] : *all_a.get_as<toml::table>(table)) {
    const toml::node& other = *all_b.get_as<toml::table>(table)->get(key);
    std::ostringstream one, two;
    value.visit([&](const auto& node) { one << node; });
    other.visit([&](const auto& node) { two << node; });
    if (one.str() != two.str()) {
      found += fmt::format("{}{} is {}, was {}", found.empty() ? "" : "; ", key.str(), one.str(), two.str());
    }
  }
  return found;
}

}  // namespace charrnn
