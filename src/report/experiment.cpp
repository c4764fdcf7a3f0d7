#include "report/experiment.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.hpp"

namespace charrnn {

std::vector<Experiment> read_experiments(const std::filesystem::path& file) {
  std::ifstream stream(file);
  require(stream.good(), "cannot read the list of experiments '{}': give its folder with --experiments",
          file.string());
  std::vector<Experiment> experiments;
  try {
    const nlohmann::json json = nlohmann::json::parse(stream);
    for (const nlohmann::json& run : json.at("runs")) {
      Experiment experiment;
      run.at("name").get_to(experiment.name);
      run.at("title").get_to(experiment.title);
      experiment.by_name_only = run.value("by_name_only", false);
      run.at("train").get_to(experiment.train);
      experiment.validation = run.value("validation", std::vector<double>{});
      for (const nlohmann::json& pair : run.value("next", nlohmann::json::array())) {
        experiment.next.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
      }
      experiment.prime = run.value("prime", std::string());
      experiments.push_back(std::move(experiment));
    }
  } catch (const nlohmann::json::exception& error) {
    throw DataError(fmt::format("'{}' is not a list of experiments: {}", file.string(), error.what()));
  }
  return experiments;
}

}  // namespace charrnn
