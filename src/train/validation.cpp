#include "train/validation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <vector>

namespace charrnn {

Evaluation evaluate(LanguageModel& model, const ColumnTokens& tokens, Communicator& control) {
  // Where windows begin makes no difference to the result; longer ones are faster, shorter ones need less
  // memory.
  constexpr std::int64_t kRowsAtOnce = 64;
  std::array<double, 2> sums{};
  const std::int64_t columns = tokens.columns();
  if (columns > 0) {
    const std::unique_ptr<HiddenState> state = model.make_state(columns);
    std::vector<std::int64_t> inputs(static_cast<std::size_t>(kRowsAtOnce * columns)), targets(inputs.size());
    for (std::int64_t row = 0; row + 1 < tokens.rows(); row += kRowsAtOnce) {
      const std::int64_t length = std::min(kRowsAtOnce, tokens.rows() - 1 - row);
      tokens.window(row, length, inputs, targets);
      sums[0] += model.evaluate({inputs, targets, length, columns}, *state);
      sums[1] += static_cast<double>(length * columns);
    }
  }
  control.all_reduce_sum(sums);
  return {sums[0], std::llround(sums[1])};
}

}  // namespace charrnn
