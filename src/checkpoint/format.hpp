// What the writer and the reader of checkpoints share. Datasets are chunked with fletcher32, the file uses the
// structures of the latest HDF5 version, which carry checksums, and a digest covers all of it; docs/decisions.md
// says why.
#pragma once

#include <H5Cpp.h>

#include <cstdint>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/setting_names.hpp"

namespace charrnn {

inline constexpr std::int64_t kFormatVersion = 1;

/// EpochRecord as a row of /history.
inline H5::CompType epoch_record_type() {
  H5::CompType type(sizeof(EpochRecord));
  type.insertMember("epoch", HOFFSET(EpochRecord, epoch), H5::PredType::NATIVE_INT64);
  type.insertMember("step", HOFFSET(EpochRecord, step), H5::PredType::NATIVE_INT64);
  type.insertMember("train_loss", HOFFSET(EpochRecord, train_loss), H5::PredType::NATIVE_DOUBLE);
  type.insertMember("val_loss", HOFFSET(EpochRecord, val_loss), H5::PredType::NATIVE_DOUBLE);
  type.insertMember("learning_rate", HOFFSET(EpochRecord, learning_rate), H5::PredType::NATIVE_DOUBLE);
  type.insertMember("seconds", HOFFSET(EpochRecord, seconds), H5::PredType::NATIVE_DOUBLE);
  return type;
}

/// The counts among the attributes of /progress, which came with version 0.6: visit(name, count). `progress` is a
/// Checkpoint::Progress, const or not.
template <class Progress, class Visit>
void for_each_count(Progress& progress, const Visit& visit) {
  visit("best_step", progress.best_step);
  visit("validations_since_best", progress.validations_since_best);
  visit("skipped_steps", progress.skipped_steps);
  visit("skipped_in_a_row", progress.skipped_in_a_row);
  visit("validated_step", progress.validated_step);
}

/// ValidationRecord as a row of /validations.
inline H5::CompType validation_record_type() {
  H5::CompType type(sizeof(ValidationRecord));
  type.insertMember("step", HOFFSET(ValidationRecord, step), H5::PredType::NATIVE_INT64);
  type.insertMember("loss", HOFFSET(ValidationRecord, loss), H5::PredType::NATIVE_DOUBLE);
  return type;
}

}  // namespace charrnn
