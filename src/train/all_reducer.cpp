#include <array>
#include <vector>

#include "train/gradient_reducer.hpp"

namespace charrnn {

namespace {

/// Part by part, each as soon as the model has completed it.
class AllReducer final : public GradientReducer, private GradientListener {
 public:
  AllReducer(LanguageModel& model, const Sharding& sharding, Communicator& communicator)
      : model_(model),
        parts_(model.gradient_parts()),
        groups_(sharding.mine.count),
        communicator_(communicator) {}

  void sum(std::int64_t step, const std::function<void(std::span<const GradientSum>)>& train) override {
    communicator_.set_step(step);
    begun_ = 0;
    const bool is_alone = communicator_.size() == 1;
    const std::array<GradientSum, 1> sum{{{groups_, model_.gradient()}}};
    if (!is_alone) model_.tell_gradient(this);
    train(sum);
    if (is_alone) return;
    model_.tell_gradient(nullptr);
    while (begun_ < parts_.size()) part_is_complete();
    communicator_.finish_all_reduces();
  }

 private:
  void part_is_complete() override {
    const Range& part = parts_[begun_++];
    communicator_.begin_all_reduce_sum(model_.gradient().subspan(static_cast<std::size_t>(part.first),
                                                                 static_cast<std::size_t>(part.count)));
  }
  void poll() override { communicator_.poll(); }

  LanguageModel& model_;
  std::vector<Range> parts_;
  std::int64_t groups_;
  Communicator& communicator_;
  std::size_t begun_ = 0;  ///< parts of this step
};

}  // namespace

std::unique_ptr<GradientReducer> make_all_reducer(LanguageModel& model, const Sharding& sharding,
                                                  Communicator& communicator) {
  return std::make_unique<AllReducer>(model, sharding, communicator);
}

}  // namespace charrnn
