// A small checkpoint, and the layout of its model.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace charrnn {

inline ParameterLayout some_layout(std::int64_t rows = 3) {
  ParameterLayout layout;
  layout.add("weight", {rows, 100}, Start::kUniform);
  layout.add("bias", {rows}, Start::kUniform);
  return layout;
}

/// Of `rows` times 100 weights.
inline Checkpoint some_checkpoint(std::int64_t step = 7, std::int64_t rows = 3) {
  Checkpoint checkpoint;
  checkpoint.arch = "gru";
  checkpoint.step = step;
  checkpoint.epoch = 2;
  checkpoint.created_utc = "2026-01-31T12:00:00Z";
  checkpoint.program_version = "0.5.0";
  checkpoint.config = "[model]\nmodel = \"gru\"\n";
  ModelSettings& settings = checkpoint.settings.emplace();
  settings.model.model = "gru";
  settings.model.layers = 2;
  settings.model.dropout = 0.25;
  settings.model.locked_dropout = true;
  settings.window = 8;
  settings.predict = "last";
  checkpoint.vocabulary = {{"<unk>", "<pad>", "ä", ""}, 0, 1, true, false, false, 3};
  const ParameterLayout layout = some_layout(rows);
  for (const Parameter& parameter : layout.parameters()) {
    std::vector<float> values(static_cast<std::size_t>(parameter.size));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 4;
    checkpoint.model.push_back({parameter.name, parameter.shape, std::move(values)});
  }
  checkpoint.optimizer = {{"exp_avg", checkpoint.model}, {"exp_avg_sq", checkpoint.model}};
  checkpoint.optimizer_step = step;
  checkpoint.groups = {{"*", 1e-3, 0.5}};
  checkpoint.hidden = {{"h", {1, 4, 8}, std::vector<float>(32, 1)}};
  checkpoint.data = {std::string(64, '0'), 1000, 12, 4, 16};
  checkpoint.history = {{0, 3, 2.5, std::numeric_limits<double>::quiet_NaN(), 1e-3, 0.5}};
  checkpoint.progress = {20, 10, {3, 1}, 1.5, std::numeric_limits<double>::infinity()};
  return checkpoint;
}

}  // namespace charrnn
