#include "serve/model_desk.hpp"

#include <utility>

#include "base/error.hpp"
#include "checkpoint/safetensors.hpp"
#include "models/engine.hpp"

namespace charrnn {

std::shared_ptr<const LoadedModel> ModelDesk::open(const std::filesystem::path& file) {
  const auto found = WatchedFile::open(file);
  require(found.has_value(), "'{}' is no longer there", file.filename().string());
  const std::lock_guard lock(mutex_);
  if (model_ != nullptr && file == file_ && found->state() == state_) return model_;
  if (!is_safetensors(file)) check_digest(file);
  model_.reset();  // not two at once, if nobody uses it
  const Compute compute{.device = {}, .precision = precision_, .team = team_};
  auto loaded = std::make_shared<const LoadedModel>(load_model(file.string(), compute));
  find_engine(loaded->settings.model, compute).set_threads(threads_, /*deterministic=*/false, compute);
  model_ = std::move(loaded);
  file_ = file;
  state_ = found->state();
  return model_;
}

}  // namespace charrnn
