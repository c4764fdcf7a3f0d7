// What commands that only predict say of `precision`.
#pragma once

#include "base/warn.hpp"
#include "models/engine.hpp"

namespace charrnn {

/// What products of the model are computed in; where that is not what `compute` asks for, `tell` hears it in the words that
/// a training starts with.
Precision precision_used(const ModelConfig& model, const Compute& compute, const Warn& tell);

}  // namespace charrnn
