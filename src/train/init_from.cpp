#include "train/init_from.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "checkpoint/contents.hpp"
#include "config/option_table.hpp"
#include "models/cells.hpp"

namespace charrnn {

namespace {

constexpr const char* kFitting[] = {"model",     "layers", "hidden",   "embedding",
                                    "lowercase", "bytes",  "min-freq", "full-vocabulary"};

}  // namespace

void take_fitting_options(const RunConfig& from, RunConfig& to) {
  RunConfig copy = from;
  for (const char* key : kFitting) {
    const Option& option = *find_option(option_table(), key);
    assign(option.member(copy), option.member(to));
  }
}

void check_fitting_options(const RunConfig& then, const RunConfig& now, const std::string& checkpoint) {
  RunConfig old_config = then, new_config = now;
  old_config.model.model = find_cell(then.model.model).name;
  new_config.model.model = find_cell(now.model.model).name;
  for (const char* key : kFitting) {
    const Option& option = *find_option(option_table(), key);
    const std::string was = to_text(option.member(old_config)), is = to_text(option.member(new_config));
    require_option(was == is, key, "`{}` is {}, but {} in '{}', whose weights cannot be used then: leave it out", key,
                   is, was, checkpoint);
  }
}

void put_weights(const ParameterLayout& layout, const std::vector<NamedTensor>& tensors, std::span<float> flat) {
  for (const Parameter& parameter : layout.parameters()) {
    const std::span<float> values =
        flat.subspan(static_cast<std::size_t>(parameter.offset), static_cast<std::size_t>(parameter.size));
    std::vector<std::int64_t> shape = parameter.shape;
    // Symbols are the rows of these three; fewer of them are a beginning of the tensor.
    const bool by_symbol = &parameter == &layout.embedding() || &parameter == &layout.output_weight() ||
                           &parameter == &layout.output_bias();
    const std::int64_t symbols = tensors.empty() ? 0 : tensors.front().shape.at(0);
    if (by_symbol) shape[0] = std::min(shape[0], symbols);
    const NamedTensor& tensor = find_tensor(tensors, parameter.name, shape, "/model");
    std::ranges::copy(tensor.values, values.begin());
    if (&parameter != &layout.output_bias()) continue;
    std::fill(values.begin() + std::ssize(tensor.values), values.end(), std::ranges::min(tensor.values));
  }
}

}  // namespace charrnn
