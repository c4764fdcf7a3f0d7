#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <type_traits>

#include "base/error.hpp"
#include "checkpoint/bounds.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/format.hpp"
#include "checkpoint/hdf5_input.hpp"
#include "checkpoint/safetensors.hpp"

namespace charrnn {

namespace {

// More bounds of what a file may say, as those of checkpoint/bounds.hpp.
constexpr std::size_t kLongestConfig = std::size_t{1} << 20;
constexpr std::size_t kMostGroups = 1000, kMostBuffers = 8, kMostStates = 8, kMostEpochs = 1 << 20;

constexpr Hdf5Node::Limits kCount{0, kMostSteps};

/// The file is good, but of another model than the one that is wanted.
struct AnotherModel : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void check(bool holds, const std::string& where, const char* what) {
  if (!holds) throw Hdf5Fault(where, what);
}

double finite(const Hdf5Node& node, const char* name) {
  const double value = node.number(name);
  check(std::isfinite(value), fmt::format("{}@{}", node.path(), name), "is not a finite number");
  return value;
}

double not_negative(const Hdf5Node& node, const char* name) {
  const double value = finite(node, name);
  check(value >= 0, fmt::format("{}@{}", node.path(), name), "is negative");
  return value;
}

void read_header(const Hdf5Group& root, CheckpointHeader& header) {
  root.integer("format_version", {kFormatVersion, kFormatVersion});
  header.arch = root.text("arch");
  header.step = root.integer("step", kCount);
  header.epoch = root.integer("epoch", {0, header.step});
  header.cycle = root.integer("cycle", {0, header.step});
  header.created_utc = root.text("created_utc");
  header.program_version = root.text("program_version");
  if (root.has_attribute("processor")) header.processor = root.text("processor");
}

/// Settings that the file does not name, of a later version than the program that wrote it, keep their defaults.
ModelSettings read_settings(const Hdf5Group& group) {
  ModelSettings settings;
  for_each_setting(settings, [&](const char* name, auto& value) {
    using Value = std::remove_reference_t<decltype(value)>;
    if (!group.has_attribute(name)) return;
    if constexpr (std::is_same_v<Value, std::string>) value = group.text(name);
    if constexpr (std::is_same_v<Value, std::int64_t>) value = group.integer(name, kCount);
    if constexpr (std::is_same_v<Value, double>) value = finite(group, name);
    if constexpr (std::is_same_v<Value, bool>) value = group.flag(name);
  });
  return settings;
}

std::string read_config(const Hdf5Group& root) {
  const Hdf5Dataset config = root.strings("config", kLongestConfig);
  check(config.shape().empty(), config.path(), "is not a single text");
  const std::vector<char> text = config.read<char>();
  return {text.begin(), std::find(text.begin(), text.end(), '\0')};
}

Checkpoint::Vocabulary read_vocabulary(const Hdf5Group& root) {
  const Hdf5Dataset dataset = root.strings("vocabulary", kLongestSymbol);
  check(dataset.shape().size() == 1, dataset.path(), "is not a list");
  const auto count = static_cast<std::size_t>(dataset.shape()[0]);
  check(count >= 1 && count <= kMostSymbols, dataset.path(), "has no symbols, or more than 65,536");
  const std::vector<char> packed = dataset.read<char>();
  Checkpoint::Vocabulary vocabulary;
  for (auto symbol = packed.begin(); symbol != packed.end();) {
    const auto end = symbol + static_cast<std::ptrdiff_t>(dataset.element_bytes());
    vocabulary.symbols.emplace_back(symbol, std::find(symbol, end, '\0'));
    symbol = end;
  }
  const Hdf5Node::Limits token{-1, static_cast<std::int64_t>(count) - 1};
  vocabulary.unknown = dataset.integer("unknown", token);
  vocabulary.padding = dataset.integer("padding", token);
  vocabulary.lowercase = dataset.flag("lowercase");
  vocabulary.min_freq = dataset.integer("min_freq", kCount);
  vocabulary.bytes = dataset.flag("bytes");
  vocabulary.full = dataset.flag("full");
  return vocabulary;
}

Checkpoint::Data read_data(const Hdf5Group& group) {
  Checkpoint::Data data;
  data.corpus_sha256 = group.text("corpus_sha256");
  data.train_characters = group.integer("train_characters", kCount);
  data.row = group.integer("row", {0, data.train_characters});
  data.columns = group.integer("columns", kCount);
  data.bptt = group.integer("bptt", kCount);
  return data;
}

Hdf5Dataset open_tensor(const Hdf5Group& group, const Parameter& parameter) {
  require<AnotherModel>(group.has(parameter.name), "it has no {}/{}, which the model needs", group.path(),
                        parameter.name);
  Hdf5Dataset dataset = group.floats(parameter.name);
  require<AnotherModel>(dataset.shape() == parameter.shape, "its {} is [{}], the model needs [{}]", dataset.path(),
                        fmt::join(dataset.shape(), ", "), fmt::join(parameter.shape, ", "));
  return dataset;
}

/// The layout's tensors. Others in the group are left alone.
std::vector<NamedTensor> read_tensors(const Hdf5Group& group, const ParameterLayout& layout) {
  std::vector<NamedTensor> tensors;
  for (const Parameter& parameter : layout.parameters()) {
    tensors.push_back({parameter.name, parameter.shape, open_tensor(group, parameter).read()});
  }
  return tensors;
}

void read_optimizer(const Hdf5Group& group, const ParameterLayout& layout, Checkpoint& checkpoint) {
  checkpoint.optimizer_step = group.integer("step", kCount);
  for (const std::string& name : group.names(kMostBuffers)) {
    if (name == "groups") continue;
    std::vector<NamedTensor> tensors = read_tensors(group.group(name), layout);
    if (name == "parameters") {
      checkpoint.trained = std::move(tensors);
    } else {
      checkpoint.optimizer.push_back({name, std::move(tensors)});
    }
  }
  const Hdf5Group groups = group.group("groups");
  const std::size_t count = groups.names(kMostGroups).size();
  for (std::size_t i = 0; i < count; ++i) {
    const Hdf5Group one = groups.group(std::to_string(i));
    checkpoint.groups.push_back({one.text("match"), not_negative(one, "lr"), not_negative(one, "weight_decay")});
  }
}

std::vector<NamedTensor> read_hidden(const Hdf5Group& group) {
  std::vector<NamedTensor> states;
  for (const std::string& name : group.names(kMostStates)) {
    const Hdf5Dataset dataset = group.floats(name);
    check(dataset.shape().size() == 3, dataset.path(), "is not [layers, columns, width]");
    states.push_back({name, dataset.shape(), dataset.read()});
  }
  return states;
}

std::vector<EpochRecord> read_history(const Hdf5Group& root) {
  const H5::CompType record = epoch_record_type();
  const Hdf5Dataset dataset = root.typed("history", record.getId(), "a list of epochs");
  check(dataset.shape().size() == 1, dataset.path(), "is not a list");
  check(dataset.shape()[0] <= std::int64_t{kMostEpochs}, dataset.path(), "has more than 1,048,576 epochs");
  std::vector<EpochRecord> history = dataset.read<EpochRecord>();
  for (const EpochRecord& row : history) {
    check(row.epoch >= 0 && row.step >= 0 && std::isfinite(row.train_loss) && std::isfinite(row.learning_rate) &&
              std::isfinite(row.seconds),
          dataset.path(), "has a row that is no epoch's");
  }
  return history;
}

/// Files of 0.5.0 and before have none; the ends of epochs are in their history.
std::vector<ValidationRecord> read_validations(const Hdf5Group& root, const std::vector<EpochRecord>& history) {
  std::vector<ValidationRecord> validations;
  if (!root.has("validations")) {
    for (const EpochRecord& epoch : history) validations.push_back({epoch.step, epoch.val_loss});
    return validations;
  }
  const H5::CompType record = validation_record_type();
  const Hdf5Dataset dataset = root.typed("validations", record.getId(), "a list of validations");
  check(dataset.shape().size() == 1, dataset.path(), "is not a list");
  validations = dataset.read<ValidationRecord>();
  std::int64_t before = 0;
  for (const ValidationRecord& row : validations) {
    check(row.step >= before, dataset.path(), "is not in the order of the run");
    before = row.step;
  }
  return validations;
}

Checkpoint::Progress read_progress(const Hdf5Group& group, std::int64_t step) {
  Checkpoint::Progress progress{not_negative(group, "loss_sum"),
                                not_negative(group, "characters"),
                                {finite(group, "smoothed_loss"), not_negative(group, "smoothed_weight")},
                                not_negative(group, "seconds"),
                                group.number("best_val_loss")};
  check(!std::isnan(progress.best_val_loss), group.path() + "@best_val_loss", "is not a number");
  progress.validated_step = step;  // of files that do not say
  for_each_count(progress, [&](const char* name, std::int64_t& count) {
    if (group.has_attribute(name)) count = group.integer(name, {0, step});
  });
  return progress;
}

Checkpoint read_parts(const Hdf5Group& root, Parts parts, const LayoutOf& layout_of) {
  Checkpoint checkpoint;
  read_header(root, checkpoint);
  if (parts == Parts::kHeader) return checkpoint;
  checkpoint.config = read_config(root);
  if (root.has("model_config")) checkpoint.settings = read_settings(root.group("model_config"));
  checkpoint.vocabulary = read_vocabulary(root);
  checkpoint.data = read_data(root.group("data"));
  checkpoint.progress = read_progress(root.group("progress"), checkpoint.step);
  if (parts == Parts::kDescription) return checkpoint;
  const ParameterLayout layout = layout_of(checkpoint);
  if (parts == Parts::kShapes) {
    const Hdf5Group model = root.group("model");
    for (const Parameter& parameter : layout.parameters()) open_tensor(model, parameter);
    return checkpoint;
  }
  checkpoint.model = read_tensors(root.group("model"), layout);
  if (parts == Parts::kModel) return checkpoint;
  read_optimizer(root.group("optimizer"), layout, checkpoint);
  checkpoint.hidden = read_hidden(root.group("hidden"));
  checkpoint.history = read_history(root);
  checkpoint.validations = read_validations(root, checkpoint.history);
  return checkpoint;
}

}  // namespace

Checkpoint read_checkpoint(const std::filesystem::path& path, Parts parts, const LayoutOf& layout_of) {
  if (is_safetensors(path)) return read_safetensors(path, parts, layout_of);
  try {
    return read_parts(Hdf5Input(path).root(), parts, layout_of);
  } catch (const Hdf5Fault& fault) {
    throw DamagedCheckpoint(path, fault.what());
  } catch (const AnotherModel& error) {
    throw DataError(fmt::format("cannot use the checkpoint '{}': {}", path.string(), error.what()));
  }
}

}  // namespace charrnn
