#include "app/training_setup.hpp"

#include "app/device_choice.hpp"
#include "models/registry.hpp"

namespace charrnn {

TrainingSetup::TrainingSetup(const RunConfig& config, Job& job)
    : data(load_training_data(config, job)),
      resources(choose_threads(config.run.threads, job)),
      device(choose_device(config.run.device, job.mpi.local_rank(),
                           [&](const std::string& line) { notes.push_back(line); })),
      model(make_model(config.model, data.vocabulary->size(), device)),
      gradients(config.run.comm, device, job, Seconds(config.run.timeout)),
      reducer(gradients.communicator()) {
  std::vector<float> fresh(static_cast<std::size_t>(model->layout().size()));
  initialise(model->layout(), static_cast<std::uint64_t>(config.run.seed), fresh);
  model->load_parameters(fresh);
  optimizer.emplace(config.optimizer, model->layout(), model->parameters(), model->gradient(), device);
}

}  // namespace charrnn
