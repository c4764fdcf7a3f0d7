#include "app/precision_note.hpp"

namespace charrnn {

Precision precision_used(const ModelConfig& model, const Compute& compute, const Warn& tell) {
  const Engine& engine = find_engine(model, compute);
  const Precision used = engine.computes_in(compute.precision, compute.device);
  if (used != compute.precision) tell("engine: " + engine.description(compute.precision, compute.device));
  return used;
}

}  // namespace charrnn
