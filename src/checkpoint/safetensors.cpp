#include "checkpoint/safetensors.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/range.hpp"
#include "checkpoint/bounds.hpp"
#include "checkpoint/safetensors_input.hpp"
#include "checkpoint/setting_names.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::json;
using Fault = SafetensorsFault;

constexpr const char* kFormat = "charrnn";
constexpr std::int64_t kAlignment = 8;  // of the tensors in the file

constexpr std::size_t kLongestText = 4096;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The members of `source`, of the run that the weights come from: visit(name, value).
template <class From, class Visit>
void for_each_fact(From& checkpoint, const Visit& visit) {
  visit("step", checkpoint.step);
  visit("created_utc", checkpoint.created_utc);
  visit("program_version", checkpoint.program_version);
  visit("corpus_sha256", checkpoint.data.corpus_sha256);
  visit("train_characters", checkpoint.data.train_characters);
}

/// Values are texts only: what has parts is JSON within.
Json metadata_of(const Checkpoint& checkpoint) {
  Json vocabulary = {{"symbols", checkpoint.vocabulary.symbols}}, settings, source;
  const auto into = [](Json& object) {
    return [&object](const char* name, const auto& value) { object[name] = value; };
  };
  for_each_vocabulary_option(checkpoint.vocabulary, into(vocabulary));
  for_each_setting(checkpoint.settings.value(), into(settings));
  for_each_fact(checkpoint, into(source));
  return {{"format", kFormat},
          {"vocabulary", text_of(vocabulary)},
          {"settings", text_of(settings)},
          {"config", checkpoint.config},
          {"source", text_of(source)}};
}

/// A member into `value`, which stays as it is where there is none.
template <class Value>
void take(const Json& object, const char* key, Value& value) {
  const Json& found = find_member(object, key);
  if (found.is_null()) return;
  if constexpr (std::is_same_v<Value, std::string>) {
    require<Fault>(found.is_string() && found.get_ref<const std::string&>().size() <= kLongestText,
                   "its {} is not a text of at most {} bytes", key, kLongestText);
  } else if constexpr (std::is_same_v<Value, bool>) {
    require<Fault>(found.is_boolean(), "its {} is not true or false", key);
  } else if constexpr (std::is_same_v<Value, double>) {
    require<Fault>(found.is_number() && std::isfinite(found.get<double>()), "its {} is not a number", key);
  } else {
    require<Fault>(found.is_number_integer() && found >= -1 && found <= kMostSteps, "its {} is not a count", key);
  }
  value = found.get<Value>();
}

Checkpoint::Vocabulary read_vocabulary(const Json& json) {
  const Json& symbols = find_member(json, "symbols");
  require<Fault>(symbols.is_array() && !symbols.empty() && symbols.size() <= kMostSymbols,
                 "its vocabulary has no symbols, or more than {}", kMostSymbols);
  Checkpoint::Vocabulary vocabulary;
  for (const Json& symbol : symbols) {
    require<Fault>(symbol.is_string() && symbol.get_ref<const std::string&>().size() <= kLongestSymbol,
                   "its vocabulary has a symbol that is not a text of at most {} bytes", kLongestSymbol);
    vocabulary.symbols.push_back(symbol.get<std::string>());
  }
  for_each_vocabulary_option(vocabulary, [&](const char* name, auto& value) { take(json, name, value); });
  return vocabulary;
}

Checkpoint read_description(const Json& metadata) {
  require<Fault>(metadata.is_object() && find_member(metadata, "format") == kFormat,
                 "it is not from charrnn_dist: its metadata do not say that their format is '{}' "
                 "(docs/interchange.md)",
                 kFormat);
  const auto text = [&](const char* key) -> const std::string& {
    const Json& found = find_member(metadata, key);
    require<Fault>(found.is_string(), "its metadata have no {}", key);
    return found.get_ref<const std::string&>();
  };
  Checkpoint checkpoint;
  checkpoint.config = text("config");
  checkpoint.vocabulary = read_vocabulary(parse_object(text("vocabulary"), "vocabulary"));
  const Json settings = parse_object(text("settings"), "settings");
  for_each_setting(checkpoint.settings.emplace(), [&](const char* name, auto& value) { take(settings, name, value); });
  checkpoint.arch = checkpoint.settings->model.model;
  if (metadata.contains("source")) {
    const Json source = parse_object(text("source"), "source");
    for_each_fact(checkpoint, [&](const char* name, auto& value) { take(source, name, value); });
  }
  return checkpoint;
}

Checkpoint read_parts(const std::filesystem::path& path, Parts parts, const LayoutOf& layout_of) {
  require<Fault>(parts != Parts::kAll,
                 "it has a model and no more: no optimizer, no history. A new run can start with it by `init-from`");
  SafetensorsInput input(path);
  Checkpoint checkpoint = read_description(input.metadata());
  if (parts == Parts::kHeader || parts == Parts::kDescription) return checkpoint;
  const ParameterLayout layout = layout_of(checkpoint);
  for (const Parameter& parameter : layout.parameters()) input.check(parameter);  // all, before there is memory for one
  if (parts != Parts::kModel) return checkpoint;
  for (const Parameter& parameter : layout.parameters()) {
    checkpoint.model.push_back({parameter.name, parameter.shape, input.values_of(parameter)});
  }
  return checkpoint;
}

}  // namespace

bool is_safetensors(const std::filesystem::path& path) {
  return path.extension() == ".safetensors";
}

void write_safetensors(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  Json header = {{"__metadata__", metadata_of(checkpoint)}};
  std::uint64_t at = 0;
  for (const NamedTensor& tensor : checkpoint.model) {
    const std::uint64_t end = at + tensor.values.size() * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = text_of(header);
  text.resize(static_cast<std::size_t>(round_up(std::ssize(text), kAlignment)), ' ');
  const auto length = std::bit_cast<std::array<char, sizeof(std::uint64_t)>>(std::uint64_t{text.size()});
  AtomicFile file(path);
  file.write({length.data(), length.size()});
  file.write(text);
  for (const NamedTensor& tensor : checkpoint.model) {
    file.write({reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size() * sizeof(float)});
  }
  file.commit();
}

Checkpoint read_safetensors(const std::filesystem::path& path, Parts parts, const LayoutOf& layout_of) {
  try {
    return read_parts(path, parts, layout_of);
  } catch (const Fault& fault) {
    throw DataError(fmt::format("cannot use '{}': {}", path.string(), fault.what()));
  }
}

}  // namespace charrnn
