#include "models/flat_tensor.hpp"
#include "train/gradient_reducer.hpp"

namespace charrnn {

namespace {

class AllReducer final : public GradientReducer {
 public:
  AllReducer(LanguageModel& model, const Sharding& sharding, Communicator& communicator)
      : model_(model), groups_(static_cast<std::size_t>(sharding.mine.count)), communicator_(communicator) {}

  void sum(std::int64_t step, const std::function<void(std::size_t)>& work) override {
    wrap(model_.gradient(), model_.device()).zero_();
    for (std::size_t i = 0; i < groups_; ++i) work(i);
    communicator_.set_step(step);
    if (communicator_.size() > 1) communicator_.all_reduce_sum(model_.gradient());
  }

 private:
  LanguageModel& model_;
  std::size_t groups_;
  Communicator& communicator_;
};

}  // namespace

std::unique_ptr<GradientReducer> make_all_reducer(LanguageModel& model, const Sharding& sharding,
                                                  Communicator& communicator) {
  return std::make_unique<AllReducer>(model, sharding, communicator);
}

}  // namespace charrnn
