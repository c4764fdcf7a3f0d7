#include "serve/model_answers.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <span>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "sample/activations.hpp"
#include "sample/score.hpp"
#include "sample/unit_search.hpp"
#include "serve/answers.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kDigits = 1e4;  // nobody sees more

double rounded(double value) {
  return std::round(value * kDigits) / kDigits;
}

/// The ten most probable tokens: [["e", 0.41], …].
Json top(const Vocabulary& vocabulary, std::span<const double> probabilities) {
  constexpr std::size_t kCount = 10;
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t count = std::min(kCount, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
  Json list = Json::array();
  for (std::size_t i = 0; i < count; ++i) {
    list.push_back({vocabulary.symbols()[order[i]], rounded(probabilities[order[i]])});
  }
  return list;
}

Json unit_answer(const Activations& seen, const FoundUnit& unit, bool is_found) {
  Json activations = Json::array();
  for (std::size_t i = 0; i < seen.characters.size(); ++i) {
    activations.push_back(rounded(seen.unit(i, unit.layer, unit.unit)));
  }
  Json answer{{"layer", unit.layer}, {"unit", unit.unit}, {"activations", std::move(activations)}};
  if (is_found) answer["correlation"] = rounded(unit.correlation);
  return answer;
}

}  // namespace

Writing::Writing(ModelDesk& desk, std::shared_ptr<const LoadedModel> model, const SampleRequest& request)
    : desk_(desk), model_(std::move(model)), left_(request.length) {
  Json unknown = Json::array();
  desk_.compute([&] {
    sampler_ = std::make_unique<Sampler>(std::vector{model_->model.get()}, model_->vocabulary, request.options,
                                         model_->settings.window);
    for (const char32_t character : sampler_->prime(request.prime)) {
      unknown.push_back(printable(character));
    }
  });
  waiting_ =
      as_text({{"checkpoint", std::filesystem::path(model_->path).filename().string()}, {"unknown", unknown}}) + '\n';
}

std::string Writing::character() {
  const std::vector<double> probabilities = sampler_->probabilities();
  sampler_->next();
  const auto token = static_cast<std::size_t>(sampler_->chosen()[0]);
  return as_text({{"c", model_->vocabulary.symbols()[token]},
                  {"p", rounded(probabilities[token])},
                  {"top", top(model_->vocabulary, probabilities)}}) +
         '\n';
}

std::string Writing::next() {
  using Clock = std::chrono::steady_clock;
  constexpr auto kAtOnce = std::chrono::milliseconds(30);
  std::string lines = std::exchange(waiting_, "");
  if (left_ < 0 || !lines.empty()) return lines;
  desk_.compute([&] {
    for (const Clock::time_point end = Clock::now() + kAtOnce; left_ > 0 && Clock::now() < end; --left_) {
      lines += character();
    }
  });
  if (left_ == 0) {
    left_ = -1;
    lines += as_text({{"end", true}}) + '\n';
  }
  return lines;
}

Json score_answer(ModelDesk& desk, const LoadedModel& model, const ScoreRequest& request) {
  std::vector<float> logarithms;
  desk.compute([&] { logarithms = log_probabilities(model, request.text); });
  Json probabilities = Json::array({nullptr});
  for (const float logarithm : logarithms) probabilities.push_back(rounded(std::exp(logarithm)));
  const double sum = std::accumulate(logarithms.begin(), logarithms.end(), 0.0);
  return {{"characters", characters_of(model.vocabulary, request.text)},
          {"probabilities", std::move(probabilities)},
          {"loss", -sum / static_cast<double>(logarithms.size())}};
}

Json neuron_answer(ModelDesk& desk, const LoadedModel& model, const NeuronRequest& request) {
  constexpr std::size_t kFound = 8;
  require<UsageError>(!request.text.empty(), "'text' is empty");
  const TextFeature* const feature = request.search.empty() ? nullptr : &find_feature(request.search);
  Activations seen;
  desk.compute([&] { seen = read_activations(model, request.text); });
  std::vector<FoundUnit> units;
  if (feature != nullptr) units = best_units(seen, feature->values(seen.characters), kFound);
  for (const std::int64_t unit : request.units) {
    require<UsageError>(request.layer < seen.layers && unit < seen.width,
                        "there is no unit {} in layer {}: the model has {} layers of {} units", unit, request.layer,
                        seen.layers, seen.width);
    units.push_back({request.layer, unit, 0});
  }
  Json shown = Json::array(), next = Json::array();
  for (const FoundUnit& unit : units) shown.push_back(unit_answer(seen, unit, feature != nullptr));
  for (std::size_t i = 0; i < seen.characters.size(); ++i) {
    next.push_back(top(model.vocabulary, token_probabilities(seen.logits_after(i), {}, {})));
  }
  return {{"characters", seen.characters},
          {"layers", seen.layers},
          {"width", seen.width},
          {"units", std::move(shown)},
          {"next", std::move(next)}};
}

}  // namespace charrnn
