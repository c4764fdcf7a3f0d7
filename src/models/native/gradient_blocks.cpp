#include "models/native/gradient_blocks.hpp"

namespace charrnn {

void GradientBlocks::start(std::span<const std::int64_t> blocks, GradientListener* listener) {
  while (parts_.size() < blocks.size()) parts_.emplace_back();
  for (std::size_t part = 0; part < blocks.size(); ++part) {
    parts_[part].blocks = blocks[part];
    parts_[part].taken = parts_[part].done = 0;
  }
  reported_ = 0;
  listener_ = listener;
}

void GradientBlocks::report() {
  if (listener_ == nullptr) return;
  for (; reported_ < parts_.size() && parts_[reported_].done == parts_[reported_].blocks; ++reported_) {
    listener_->part_is_complete();
  }
  listener_->poll();
}

}  // namespace charrnn
