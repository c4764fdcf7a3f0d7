// What writer and reader of checkpoints share. Every dataset of numbers is chunked with fletcher32, the file
// uses the latest library version's structures (they carry checksums), and a digest covers all of it: see
// docs/decisions.md.
#pragma once

#include <H5Cpp.h>

#include <cstdint>

namespace charrnn {

inline constexpr std::int64_t kFormatVersion = 1;

/// EpochRecord as a row of /history.
H5::CompType epoch_record_type();

}  // namespace charrnn
