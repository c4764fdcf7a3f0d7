// LibTorch in a program, or in the library that programs load, that is linked with it.
#include "base/program_version.hpp"
#include "checkpoint/pt_file.hpp"
#include "models/cells.hpp"
#include "models/libtorch.hpp"
#include "models/torch/products.hpp"
#include "models/torch/torch_language_model.hpp"
#include "models/torch/torch_layer.hpp"
#include "models/torch/torch_runtime.hpp"

namespace charrnn {

namespace {

std::unique_ptr<LanguageModel> make_model(const ModelConfig& model, std::int64_t vocabulary_size, Precision precision,
                                          Device device) {
  return make_torch_language_model(model, vocabulary_size, torch_layer_of(find_cell(model.model).name), precision,
                                   device);
}

#ifdef CHARRNN_CUDA
std::unique_ptr<LanguageModel> make_persistent_model(const ModelConfig& model, std::int64_t vocabulary_size,
                                                     Precision precision, Device device) {
  return make_torch_language_model(model, vocabulary_size, make_persistent_layer, precision, device);
}
constexpr LibTorch::MakeModel kMakePersistentModel = make_persistent_model;
#else
constexpr LibTorch::MakeModel kMakePersistentModel = nullptr;
#endif

}  // namespace

const LibTorch& libtorch() {
  static const LibTorch linked = [] {
    prepare_torch();
    return LibTorch{.build = kProgramBuild,
                    .products = kTorchProducts,
                    .configure = configure_torch,
                    .round_products_to_tf32 = round_products_to_tf32,
                    .failure = torch_failure,
                    .make_model = make_model,
                    .make_persistent_model = kMakePersistentModel,
                    .write_pt = write_pt};
  }();
  return linked;
}

const LibTorch* loaded_libtorch() {
  return &libtorch();
}

}  // namespace charrnn
