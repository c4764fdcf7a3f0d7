#include "models/engine.hpp"

#include <algorithm>
#include <vector>

#include "base/error.hpp"
#include "base/memory.hpp"
#include "models/cells.hpp"
#include "models/libtorch.hpp"
#include "models/native/kernels.hpp"
#include "models/native/micro_kernel.hpp"
#include "models/native/native_language_model.hpp"
#include "models/native/panels.hpp"

namespace charrnn {

namespace {

namespace native {

std::optional<std::string> why_not(const ModelConfig& model, const Device& device, Precision /*precision*/) {
  if (device.cuda) return "it computes on CPUs, not on GPUs";
  if (find_cell(model.model).native_layer == nullptr) {
    return fmt::format("it has no layer for `model` {}", model.model);
  }
  return std::nullopt;
}

Precision computes_in(Precision precision, const Device& /*device*/) {
  return panel_precision(precision);
}

void set_threads(int threads, bool /*deterministic*/, const Compute& compute) {
  compute.team.resize(threads);
  keep_freed_memory();
}

std::string description(Precision precision, const Device& device) {
  std::string text = fmt::format("native, kernels for {}", kernels().name);
  if (precision == Precision::kTf32) {
    text += computes_in(precision, device) == precision
                ? ", tf32 products, each as three of bf16"
                : ", fp32 products: this processor has no units that are faster for tf32";
  }
  if (precision == Precision::kBf16) {
    text += has_bf16_units() ? ", bf16 products"
                             : ", factors rounded to bf16; this processor has no bf16 units, so products are fp32";
  }
  return text;
}

std::unique_ptr<LanguageModel> make(const ModelConfig& model, std::int64_t vocabulary_size, const Compute& compute) {
  return make_native_language_model(model, vocabulary_size, compute.precision, compute.team);
}

}  // namespace native

namespace torch_engine {

std::optional<std::string> why_not(const ModelConfig& model, const Device& device, Precision precision) {
  if (precision == Precision::kInt8) return "it has no int8; the native one has, with `device` cpu";
  if (precision != Precision::kBf16) return std::nullopt;
  if (!device.cuda) return "it computes in bf16 on GPUs only";
  if (!find_cell(model.model).has_bf16_on_gpus) {
    return fmt::format("it computes `model` {} in fp32 only", model.model);
  }
  return std::nullopt;
}

Precision computes_in(Precision precision, const Device& device) {
  return precision == Precision::kTf32 && !device.cuda ? Precision::kFp32 : precision;
}

void set_threads(int threads, bool deterministic, const Compute& compute) {
  // Not both: where OpenMP's threads still spin after their work, an optimizer of 1 million parameters took 1.7 ms on
  // two threads of the team and 0.95 ms on one; of 30 million 22 and 32 ms, in steps of 300 ms (two cores).
  compute.team.resize(1);
  // On GPUs always: else LibTorch adds up large windows' embeddings in any order, and NVSwitches the gradients, and a
  // resume would not go on bit for bit.
  libtorch().configure(threads, deterministic || compute.device.cuda);
  libtorch().round_products_to_tf32(compute.precision == Precision::kTf32);
}

std::string description(Precision precision, const Device& device) {
  if (precision == Precision::kBf16) return "torch, layers in bf16";
  if (precision == Precision::kTf32)
    return device.cuda ? "torch, tf32 products" : "torch, fp32 products: it has tf32 on GPUs only";
  return "torch";
}

std::unique_ptr<LanguageModel> make(const ModelConfig& model, std::int64_t vocabulary_size, const Compute& compute) {
  return libtorch().make_model(model, vocabulary_size, compute.precision, compute.device);
}

}  // namespace torch_engine

/// LibTorch's engine with recurrent kernels of our own.
namespace persistent {

#ifdef CHARRNN_CUDA

std::optional<std::string> why_not(const ModelConfig& model, const Device& device, Precision precision) {
  if (!device.cuda) return "it computes on GPUs only";
  if (precision != Precision::kBf16) return "it computes in bf16 only";
  const std::optional<RecurrentCell> cell = find_cell(model.model).recurrence;
  if (!cell) return fmt::format("it has no layer for `model` {}", model.model);
  const std::optional<GpuSize> gpu = gpu_size(device.index);
  if (!gpu) return fmt::format("GPU {} does not say how large it is", device.index);
  return why_no_recurrence(*cell, model.hidden, *gpu);
}

std::unique_ptr<LanguageModel> make(const ModelConfig& model, std::int64_t vocabulary_size, const Compute& compute) {
  return libtorch().make_persistent_model(model, vocabulary_size, compute.precision, compute.device);
}

std::string description(Precision /*precision*/, const Device& /*device*/) {
  return "persistent, recurrent kernels in bf16 (not yet tried on a GPU)";
}

#else

std::optional<std::string> why_not(const ModelConfig& /*model*/, const Device& /*device*/, Precision /*precision*/) {
  return "it computes on GPUs only, and this program is built without CUDA";
}

std::unique_ptr<LanguageModel> make(const ModelConfig& /*model*/, std::int64_t /*vocabulary_size*/,
                                    const Compute& /*compute*/) {
  return nullptr;
}

std::string description(Precision /*precision*/, const Device& /*device*/) {
  return "";
}

#endif

}  // namespace persistent

constexpr Engine kEngines[] = {
    {"native", native::why_not, native::computes_in, /*threads_decide_bits=*/false, native::set_threads,
     native::description, native::make},
    {"torch", torch_engine::why_not, torch_engine::computes_in, /*threads_decide_bits=*/true, torch_engine::set_threads,
     torch_engine::description, torch_engine::make},
    // After LibTorch's layers until it has been measured on GPUs.
    {"persistent", persistent::why_not, torch_engine::computes_in, /*threads_decide_bits=*/true,
     torch_engine::set_threads, persistent::description, persistent::make},
};

const Engine* first_that_can(const ModelConfig& model, const Device& device, Precision precision) {
  const auto* found =
      std::ranges::find_if(kEngines, [&](const Engine& engine) { return !engine.why_not(model, device, precision); });
  return found == std::end(kEngines) ? nullptr : found;
}

const Engine& named(const std::string& name) {
  const auto* found = std::ranges::find(kEngines, name, &Engine::name);
  if (found != std::end(kEngines)) return *found;
  std::vector<std::string_view> names{"auto"};
  std::ranges::transform(kEngines, std::back_inserter(names), &Engine::name);
  throw ConfigError("engine", fmt::format("there is no `engine` '{}'; use one of: {}", name, fmt::join(names, " ")));
}

}  // namespace

std::span<const Engine> engines() {
  return kEngines;
}

const Engine& find_engine(const ModelConfig& model, const Compute& compute) {
  const std::string& name = compute.engine;
  const auto& device = compute.device;
  const Precision precision = compute.precision;
  if (name != "auto") {
    const Engine& engine = named(name);
    const std::optional<std::string> reason = engine.why_not(model, device, precision);
    const bool can_in_fp32 = !engine.why_not(model, device, Precision::kFp32);
    require_option(!reason, can_in_fp32 ? "precision" : "engine", "`engine` {} cannot compute this model: {}", name,
                   reason.value_or(""));
    return engine;
  }
  if (const Engine* engine = first_that_can(model, device, precision)) return *engine;
  std::string reasons;
  for (const Engine& engine : kEngines) {
    reasons +=
        fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", engine.name, *engine.why_not(model, device, precision));
  }
  throw ConfigError(precision == Precision::kFp32 ? "model" : "precision",
                    fmt::format("no `engine` can compute this model ({})", reasons));
}

bool threads_decide_bits(const ModelConfig& model, const std::string& engine) {
  if (engine != "auto") return named(engine).threads_decide_bits;
  const Engine* chosen = first_that_can(model, Device{}, Precision::kFp32);
  return chosen == nullptr || chosen->threads_decide_bits;
}

}  // namespace charrnn
