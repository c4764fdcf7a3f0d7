// The cells: what is between a character's embedding and the output layer. A new cell is a row of cells(), with a layer
// of the native engine if it has one, and a row of models/torch/layer_choice.cpp, with its layer for LibTorch; its
// parameters and states reach checkpoints, --resume and --groups by their names in this table.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/cuda/recurrence.hpp"
#include "models/parameter_layout.hpp"

namespace charrnn {

class NativeLayer;
struct NativeLayerOptions;

/// A tensor that each layer carries from window to window, [columns, hidden · times].
struct CellState {
  std::string_view name;
  std::int64_t times = 1;
};

struct CellSpec {
  std::string_view name;
  /// Any number of layers, whose parameters' names end in _l0, _l1, …; else there is one and no ending.
  bool stacks;
  std::span<const CellState> states;
  /// Parameters of a layer in the order of the layout. Names and shapes are those of PyTorch's module.
  std::vector<Parameter> (*parameters)(std::int64_t inputs, std::int64_t hidden);
  /// Whether the layer for LibTorch can run under PyTorch's autocast to bf16 on GPUs.
  bool has_bf16_on_gpus;
  std::optional<RecurrentCell>
      recurrence;  ///< the kernel of `--engine persistent` that computes it; nothing: there is none
  std::unique_ptr<NativeLayer> (*native_layer)(const NativeLayerOptions& options);  ///< null: there is none
  /// Layers after the first add their inputs to their outputs: residual connections (He et al., arXiv:1512.03385). They
  /// are between layers; what a layer carries through time is without them.
  bool is_residual = false;
};

std::span<const CellSpec> cells();

/// Names that ModelConfig::model may have: the cells', then those of the notebook's classes (fast.ai, lesson 6).
std::vector<std::string> model_names();

/// The cell of that name or of the notebook's class. ConfigError if there is none.
const CellSpec& find_cell(const std::string& model);

}  // namespace charrnn
