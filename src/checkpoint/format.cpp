#include "checkpoint/format.hpp"

namespace charrnn {

H5::CompType epoch_record_type() {
  H5::CompType type(sizeof(EpochRecord));
  type.insertMember("epoch", HOFFSET(EpochRecord, epoch), H5::PredType::NATIVE_INT64);
  type.insertMember("step", HOFFSET(EpochRecord, step), H5::PredType::NATIVE_INT64);
  type.insertMember("train_loss", HOFFSET(EpochRecord, train_loss), H5::PredType::NATIVE_DOUBLE);
  type.insertMember("val_loss", HOFFSET(EpochRecord, val_loss), H5::PredType::NATIVE_DOUBLE);
  type.insertMember("learning_rate", HOFFSET(EpochRecord, learning_rate), H5::PredType::NATIVE_DOUBLE);
  type.insertMember("seconds", HOFFSET(EpochRecord, seconds), H5::PredType::NATIVE_DOUBLE);
  return type;
}

}  // namespace charrnn
