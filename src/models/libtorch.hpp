// The one place where the program reaches for LibTorch: all that it calls of it, and of its own code that needs it.
// Whatever links LibTorch waits 0.2 s for it at every start, so the program loads it when something first asks for it
// (src/libtorch/loaded.cpp). Other programs that link charrnn_core link LibTorch with it (src/libtorch/linked.cpp).
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/device.hpp"
#include "config/model_config.hpp"
#include "models/precision.hpp"
#include "models/torch_failure.hpp"

namespace charrnn {

struct Checkpoint;
class LanguageModel;

/// Products of row-major matrices, c = a · b, or c += a · b if `add`: oneDNN's micro-kernels as LibTorch exports them,
/// and its BLAS. Strides are numbers from row to row. All may throw.
struct TorchProducts {
  template <class Number>
  using Multiply = void (*)(std::int64_t rows, std::int64_t columns, std::int64_t depth, std::int64_t a_stride,
                            std::int64_t b_stride, std::int64_t c_stride, bool add, const Number* a, const Number* b,
                            float* c);
  Multiply<float> by_micro_kernel, by_blas;
  Multiply<std::uint16_t> by_bf16_micro_kernel;  ///< bfloat16 numbers; b's rows in pairs
  void (*release)();                             ///< what the thread holds of the processor's units
  bool (*has_matrix_units)();                    ///< AMX
};

struct LibTorch {
  std::string_view build;  ///< kProgramBuild of the program that this belongs to
  TorchProducts products;
  /// See models/torch/torch_runtime.hpp. Our program begins with configure(1, false); another one's threads are left as they
  /// are.
  void (*configure)(int threads, bool deterministic);
  void (*round_products_to_tf32)(bool on);
  /// See models/torch_failure.hpp.
  std::optional<TorchFailure> (*failure)(const std::exception& exception);
  /// See models/torch/torch_language_model.hpp. With the cell's own layer, and with our recurrent kernels for GPUs,
  /// which only the CUDA build has (else null).
  using MakeModel = std::unique_ptr<LanguageModel> (*)(const ModelConfig& model, std::int64_t vocabulary_size,
                                                       Precision precision, Device device);
  MakeModel make_model, make_persistent_model;
  /// See checkpoint/pt_file.hpp.
  void (*write_pt)(const std::filesystem::path& path, const Checkpoint& checkpoint);
};

/// Loads it if that has not been done. UsageError if it is not there, or belongs to another version of the program. May
/// be called by several threads.
const LibTorch& libtorch();

/// If it has been loaded; else null.
const LibTorch* loaded_libtorch();

/// The version of LibTorch that this is built for: "2.11.0".
std::string torch_version();

}  // namespace charrnn
