#include "app/training_setup.hpp"

#include <array>

#include "app/device_choice.hpp"
#include "models/product_rate.hpp"

namespace charrnn {

std::unique_ptr<GradientReducer> make_reducer(const RunOptions& run, LanguageModel& model,
                                              const Sharding& sharding, Communicator& communicator) {
  return run.reproducible ? make_tree_reducer(model, sharding, communicator)
                          : make_all_reducer(model, sharding, communicator);
}

TrainingSetup::TrainingSetup(const RunConfig& config, Job& job)
    : data(load_training_data(config, job)),
      resources(choose_threads(config, job)),
      device(choose_device(config.run.device, job.mpi.local_rank(),
                           [&](const std::string& line) { notes.push_back(line); })),
      precision(config.run.precision == "bf16" ? Precision::kBf16 : Precision::kFp32),
      model(make_model_here(config)),
      gradients(config.run.comm, device, job, Seconds(config.run.timeout)),
      reducer(make_reducer(config.run, *model, data.training->sharding(), gradients.communicator())) {
  std::vector<float> fresh(static_cast<std::size_t>(model->layout().size()));
  initialise(model->layout(), static_cast<std::uint64_t>(config.run.seed), fresh);
  model->load_parameters(fresh);
  optimizer = make_optimizer(config.optimizer, *model, team);
}

StepParts TrainingSetup::step_parts(const RunConfig& config, Job& job) {
  return {*model, *optimizer, *reducer, job.control, team, config.run.seed, config.optimizer.clip_norm};
}

double TrainingSetup::measure_products(Job& job) const {
  ThreadTeam all(resources.threads);  // the other one has a single thread where LibTorch computes
  job.control.barrier();
  std::array<double, 1> rate{device.cuda ? 0 : measure_product_rate(precision, all)};
  job.control.all_reduce_sum(rate);
  return rate[0];
}

std::unique_ptr<LanguageModel> TrainingSetup::make_model_here(const RunConfig& config) {
  const Compute compute{device, config.run.engine, precision, team};
  engine = &find_engine(config.model, compute);
  engine->set_threads(resources.threads, config.run.reproducible, compute);
  return engine->make(config.model, data.vocabulary->size(), compute);
}

}  // namespace charrnn
