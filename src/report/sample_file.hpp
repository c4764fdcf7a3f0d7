// samples.txt: what the model wrote along the way.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/append_file.hpp"
#include "train/observer.hpp"

namespace charrnn {

class SampleFile final : public TrainObserver {
 public:
  explicit SampleFile(std::filesystem::path path) : path_(std::move(path)) {}

  /// Drops the samples of later steps; with step 0 all.
  void rewind(std::int64_t step) override;
  void on_sample(std::int64_t step, const std::string& text) override;

 private:
  std::filesystem::path path_;
  std::optional<AppendFile> file_;
};

}  // namespace charrnn
