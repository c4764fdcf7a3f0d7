#include "checkpoint/safetensors_input.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace charrnn {

namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian, and numbers are copied");

using Json = nlohmann::json;
using Fault = SafetensorsFault;

constexpr const char* kMetadata = "__metadata__";

// Far above what any model needs. Parsed JSON takes some thirty times its size.
constexpr std::uint64_t kLongestHeader = std::uint64_t{4} << 20;
constexpr int kDeepest = 4;
constexpr std::size_t kMostDimensions = 8;

float from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
  float magnitude = std::ldexp(static_cast<float>(0x400 + fraction), exponent - 25);
  if (exponent == 0) magnitude = std::ldexp(static_cast<float>(fraction), -24);
  if (exponent == 31) magnitude = fraction == 0 ? std::numeric_limits<float>::infinity() : std::nanf("");
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// 0: of a type that no model has.
std::uint64_t bytes_each(const std::string& dtype) {
  return dtype == "F32" ? 4 : dtype == "F16" || dtype == "BF16" ? 2 : 0;
}

std::vector<std::uint64_t> counts_of(const Json& json, const std::string& name, const char* what) {
  const auto is_count = [](const Json& one) { return one.is_number_unsigned(); };
  require<Fault>(json.is_array() && json.size() <= kMostDimensions && std::ranges::all_of(json, is_count),
                 "the {} of its tensor '{}' is not a short list of counts", what, without_controls(name));
  return json.get<std::vector<std::uint64_t>>();
}

bool same_shape(const std::vector<std::uint64_t>& one, const std::vector<std::int64_t>& other) {
  return std::ranges::equal(one, other, [](auto a, auto b) { return a == static_cast<std::uint64_t>(b); });
}

}  // namespace

Json parse_object(const std::string& text, const char* what) {
  std::set<std::string> names;
  const auto check = [&](int depth, Json::parse_event_t event, const Json& value) {
    require<Fault>(depth <= kDeepest, "its {} is nested deeper than {} levels", what, kDeepest);
    if (event == Json::parse_event_t::key && depth == 1) {
      const auto& name = value.get_ref<const std::string&>();
      require<Fault>(names.insert(name).second, "its {} has '{}' twice", what, without_controls(name));
    }
    return true;
  };
  try {
    Json json = Json::parse(text, check);
    require<Fault>(json.is_object(), "its {} is not a JSON object", what);
    return json;
  } catch (const Json::parse_error& error) {
    throw Fault(fmt::format("its {} is not JSON (byte {})", what, error.byte));
  } catch (const Json::out_of_range&) {
    throw Fault(fmt::format("its {} has a number that is too large", what));
  }
}

const Json& find_member(const Json& object, const char* key) {
  static const Json kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

SafetensorsInput::SafetensorsInput(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  require<Fault>(!error, "{}", error.message());
  require<Fault>(std::filesystem::is_regular_file(status), "it is not a regular file");
  file_.open(path, std::ios::binary);
  require<Fault>(file_.is_open(), "{}", std::strerror(errno));
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::uint64_t length = 0;
  require<Fault>(!error && size >= sizeof(length), "it is too short");
  read(0, &length, sizeof(length));
  data_ = sizeof(length) + length;
  require<Fault>(length <= kLongestHeader && data_ <= size,
                 "its header would have {} bytes; there are {}, and {} are the most", length, size - sizeof(length),
                 kLongestHeader);
  std::string text(length, '\0');
  read(sizeof(length), text.data(), length);
  header_ = parse_object(text, "header");
  find_places(size - data_);
}

const Json& SafetensorsInput::metadata() const {
  return find_member(header_, kMetadata);
}

std::vector<float> SafetensorsInput::values_of(const Parameter& parameter) {
  const Place& place = checked_place(parameter);
  std::vector<float> values(static_cast<std::size_t>(parameter.size));
  if (place.dtype == "F32") {
    read(data_ + place.first, values.data(), place.bytes());
  } else {
    std::vector<std::uint16_t> halves(values.size());
    read(data_ + place.first, halves.data(), place.bytes());
    std::ranges::transform(halves, values.begin(), place.dtype == "F16" ? from_half : from_bfloat16);
  }
  return values;
}

SafetensorsInput::Place SafetensorsInput::read_place(const std::string& name, const Json& json) {
  require<Fault>(json.is_object() && find_member(json, "dtype").is_string(), "its tensor '{}' has no dtype",
                 without_controls(name));
  const std::vector<std::uint64_t> offsets = counts_of(find_member(json, "data_offsets"), name, "data_offsets");
  require<Fault>(offsets.size() == 2 && offsets[0] <= offsets[1], "the data_offsets of its tensor '{}' are no range",
                 without_controls(name));
  return {name, json.at("dtype"), counts_of(find_member(json, "shape"), name, "shape"), offsets[0], offsets[1]};
}

/// Also those that no model needs.
void SafetensorsInput::find_places(std::uint64_t bytes) {
  for (const auto& [name, json] : header_.items()) {
    if (name != kMetadata) places_.push_back(read_place(name, json));
  }
  std::ranges::sort(places_, {}, [](const Place& place) { return std::pair(place.first, place.end); });
  std::uint64_t at = 0;
  for (const Place& place : places_) {
    require<Fault>(place.first == at, "its tensor '{}' begins at byte {}, where the one before it ends at {}",
                   without_controls(place.name), place.first, at);
    at = place.end;
  }
  require<Fault>(at == bytes, "its tensors have {} bytes, and there are {}", at, bytes);
}

const SafetensorsInput::Place& SafetensorsInput::checked_place(const Parameter& parameter) const {
  const auto found = std::ranges::find(places_, parameter.name, &Place::name);
  require<Fault>(found != places_.end(), "it has no tensor {}, which the model needs", parameter.name);
  require<Fault>(same_shape(found->shape, parameter.shape), "its {} is [{}], the model needs [{}]", parameter.name,
                 fmt::join(found->shape, ", "), fmt::join(parameter.shape, ", "));
  const std::uint64_t each = bytes_each(found->dtype);
  require<Fault>(each != 0, "its {} is {}, not F32, F16 or BF16", parameter.name, without_controls(found->dtype));
  require<Fault>(found->bytes() == each * static_cast<std::uint64_t>(parameter.size),
                 "its {} has {} bytes, which are not {} numbers of type {}", parameter.name, found->bytes(),
                 parameter.size, found->dtype);
  return *found;
}

void SafetensorsInput::read(std::uint64_t at, void* to, std::uint64_t bytes) {
  file_.seekg(static_cast<std::streamoff>(at));
  file_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
  require<Fault>(file_.good(), "it cannot be read to its end");
}

}  // namespace charrnn
