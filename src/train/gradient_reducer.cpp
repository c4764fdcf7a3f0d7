#include "train/gradient_reducer.hpp"

#include <array>

namespace charrnn {

namespace {

/// Where sums over ranks cost least.
std::span<float> gradient_for_sums(LanguageModel& model, Communicator& communicator) {
  const std::span<float> memory = communicator.memory_for_sums(model.gradient().size());
  if (!memory.empty()) model.set_gradient_memory(memory);
  return model.gradient();
}

class AllReducer final : public GradientReducer {
 public:
  AllReducer(LanguageModel& model, const Sharding& sharding, Communicator& communicator)
      : GradientReducer(model, communicator), sum_{{{sharding.mine.count, gradient_for_sums(model, communicator)}}} {}

  std::span<const GradientSum> sums() const override { return sum_; }

 private:
  void begin_part(std::size_t part) override {
    communicator().begin_all_reduce_sum(part_of(sum_[0].gradient, parts()[part]));
  }
  void begin_part_at(std::size_t part, void* event) override {
    communicator().begin_all_reduce_sum_after(event, part_of(sum_[0].gradient, parts()[part]));
  }

  std::array<GradientSum, 1> sum_;
};

}  // namespace

GradientReducer::GradientReducer(LanguageModel& model, Communicator& communicator)
    : communicator_(communicator), parts_(model.gradient_parts()) {}

void GradientReducer::begin(std::int64_t step) {
  communicator_.set_step(step);
  begun_ = 0;
}

void GradientReducer::finish() {
  if (communicator_.size() == 1) return finish_alone();
  while (begun_ < parts_.size()) part_is_complete();  // the model may not report parts one by one
  communicator_.finish_begun();
}

void GradientReducer::queue(std::span<float> numbers) {
  if (communicator_.size() == 1) return finish_alone();
  while (begun_ < parts_.size()) part_is_complete();
  communicator_.begin_all_reduce_sum(numbers);
  communicator_.queue_begun();
}

std::unique_ptr<GradientReducer> make_all_reducer(LanguageModel& model, const Sharding& sharding,
                                                  Communicator& communicator) {
  return std::make_unique<AllReducer>(model, sharding, communicator);
}

}  // namespace charrnn
