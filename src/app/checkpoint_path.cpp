#include "app/checkpoint_path.hpp"

#include <fmt/format.h>

#include "app/messages.hpp"
#include "checkpoint/store.hpp"

namespace charrnn {

std::string checkpoint_to_use(const std::string& path) {
  const auto [file, why] = resolve_checkpoint(path, Pick::kBest, warn_on_stderr);
  if (!why.empty()) tell_on_stderr(fmt::format("using {} ({})", file.string(), why));
  return file.string();
}

}  // namespace charrnn
