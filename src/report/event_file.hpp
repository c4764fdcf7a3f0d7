// A run's event files for TensorBoard.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <utility>

#include "report/event_record.hpp"
#include "report/patient_file.hpp"
#include "train/observer.hpp"

namespace charrnn {

/// Every attempt writes a file of its own, events.out.tfevents.<time>.<host>.<pid>, as TensorBoard wants it: losses in nats and
/// in bits per character, learning rate, norm of the gradient, speed, the samples and the config. It begins with the step that
/// the run goes on from, so that TensorBoard forgets what files before it have of later steps.
///
/// A folder or a disk that takes nothing is a warning; the training goes on.
class EventFile final : public TrainObserver {
 public:
  /// `folder` is made when the run starts.
  EventFile(std::filesystem::path folder, Warn warn) : folder_(std::move(folder)), warn_(std::move(warn)) {}

  void on_start(const RunFacts& facts) override;
  void on_step(const StepReport& report) override;
  void on_validation(const ValidationReport& report) override;
  void on_epoch(const EpochReport& report) override;
  void on_sample(std::int64_t step, const std::string& text) override;
  void on_end(const EndReport& report) override;

 private:
  void write(const std::string& record);
  void write_scalars(std::int64_t step, std::initializer_list<Scalar> scalars);
  void write_validation(std::int64_t step, double loss, const std::string& name);
  void write_text(std::int64_t step, std::string_view tag, const std::string& text);

  std::filesystem::path folder_;
  Warn warn_;
  std::optional<PatientFile> file_;  ///< none: it cannot be written
};

}  // namespace charrnn
