#include "serve/model_requests.hpp"

#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "serve/limits.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::json;

/// The fields of a request, each taken by its name; what is left over is unknown.
class Fields {
 public:
  explicit Fields(const std::string& body) : json_(Json::parse(body, nullptr, /*allow_exceptions=*/false)) {
    require<UsageError>(json_.is_object(), "the request is not a JSON object");
  }

  std::string text(const char* name, std::size_t longest) {
    const Json value = take(name);
    if (value.is_null()) return "";
    require<UsageError>(value.is_string(), "'{}' must be a text", name);
    std::string text = value.get<std::string>();
    require<UsageError>(text.size() <= longest, "'{}' has {} bytes; {} are allowed", name, text.size(), longest);
    require<UsageError>(is_utf8(text), "'{}' is not valid UTF-8", name);
    return text;
  }

  std::int64_t whole_number(const char* name, std::int64_t least, std::int64_t most, std::int64_t otherwise) {
    const Json value = take(name);
    if (value.is_null()) return otherwise;
    return in_range(value, name, least, most);
  }

  std::vector<std::int64_t> whole_numbers(const char* name, std::int64_t least, std::int64_t most, std::size_t count) {
    const Json value = take(name);
    if (value.is_null()) return {};
    require<UsageError>(value.is_array() && value.size() <= count, "'{}' must be a list of at most {} numbers", name,
                        count);
    std::vector<std::int64_t> numbers;
    for (const Json& one : value) numbers.push_back(in_range(one, name, least, most));
    return numbers;
  }

  double number(const char* name, double otherwise) {
    const Json value = take(name);
    if (value.is_null()) return otherwise;
    require<UsageError>(value.is_number(), "'{}' must be a number", name);
    return value.get<double>();
  }

  bool flag(const char* name) {
    const Json value = take(name);
    require<UsageError>(value.is_null() || value.is_boolean(), "'{}' must be true or false", name);
    return value.is_boolean() && value.get<bool>();
  }

  void require_no_more() const {
    require<UsageError>(json_.empty(), "there is no field '{}'", json_.empty() ? "" : json_.begin().key());
  }

 private:
  Json take(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) return {};
    Json value = std::move(*found);
    json_.erase(found);
    return value;
  }

  static std::int64_t in_range(const Json& value, const char* name, std::int64_t least, std::int64_t most) {
    const bool is_whole =
        value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() >> 63 == 0);
    require<UsageError>(is_whole && value.get<std::int64_t>() >= least && value.get<std::int64_t>() <= most,
                        "'{}' must be a whole number from {} to {}", name, least, most);
    return value.get<std::int64_t>();
  }

  Json json_;
};

constexpr std::size_t kLongestName = 512;
constexpr std::int64_t kLargest = std::int64_t{1} << 53;  // that a browser can say

/// The fields of a request of type T: those that all have, and those that `read` takes.
template <class T, class Read>
T read_request(const std::string& body, const Read& read) {
  Fields fields(body);
  T request;
  request.run = fields.text("run", kLongestName);
  request.checkpoint = fields.text("checkpoint", kLongestName);
  read(fields, request);
  fields.require_no_more();
  return request;
}

}  // namespace

SampleRequest read_sample_request(const std::string& body) {
  return read_request<SampleRequest>(body, [](Fields& fields, SampleRequest& request) {
    request.prime = fields.text("prime", kLongestPrime);
    request.length = fields.whole_number("length", 0, kLongestWritten, request.length);
    SampleOptions& options = request.options;
    options.greedy = fields.flag("greedy");
    options.temperature = fields.number("temperature", options.temperature);
    options.top_k = fields.whole_number("top_k", 0, kLargest, options.top_k);
    options.top_p = fields.number("top_p", options.top_p);
    options.seed = static_cast<std::uint64_t>(fields.whole_number("seed", 0, kLargest, 1));
    validate(options);
  });
}

ScoreRequest read_score_request(const std::string& body) {
  return read_request<ScoreRequest>(
      body, [](Fields& fields, ScoreRequest& request) { request.text = fields.text("text", kLongestScored); });
}

NeuronRequest read_neuron_request(const std::string& body) {
  return read_request<NeuronRequest>(body, [](Fields& fields, NeuronRequest& request) {
    request.text = fields.text("text", kLongestRead);
    request.search = fields.text("search", kLongestName);
    request.layer = fields.whole_number("layer", 0, kLargest, 0);
    request.units = fields.whole_numbers("units", 0, kLargest, kMostShownUnits);
  });
}

}  // namespace charrnn
