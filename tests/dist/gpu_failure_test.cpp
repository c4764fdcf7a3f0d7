// What errors of the CUDA runtime mean. Numbers and names are those of CUDA's driver_types.h.
#include "dist/gpu_failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/host.hpp"

namespace charrnn {
namespace {

TEST(GpuFailure, HardwareIsLostAndTheRunGoesOn) {
  // ECC, contained and NVLink errors; devices unavailable; illegal address, launch timeout, hardware stack, instruction,
  // launch failure; system not ready; unknown.
  for (const int error : {214, 226, 220, 46, 700, 702, 714, 715, 719, 802, 999}) {
    EXPECT_EQ(gpu_trouble(error), GpuTrouble::kBroken) << error;
  }
}

TEST(GpuFailure, WhatWasNeverUsableIsSetup) {
  // Initialization, insufficient driver, no device, invalid device, no kernel image, driver mismatch.
  for (const int error : {3, 35, 100, 101, 209, 803}) EXPECT_EQ(gpu_trouble(error), GpuTrouble::kSetup) << error;
}

TEST(GpuFailure, MemoryIsMemoryAndTheRestABug) {
  EXPECT_EQ(gpu_trouble(2), GpuTrouble::kMemory);
  // Invalid value, invalid configuration, assert, unsupported during capture.
  for (const int error : {1, 9, 710, 900}) EXPECT_EQ(gpu_trouble(error), GpuTrouble::kBug) << error;
}

TEST(GpuFailure, TheLineSaysWhereAndWhat) {
  const Error broken = gpu_error(GpuTrouble::kBroken, "GPU 3 (0000:65:00.0)", "uncorrectable ECC error encountered");
  EXPECT_EQ(broken.code(), ExitCode::kInterrupted);
  EXPECT_THAT(broken.what(), testing::StartsWith("GPU 3 (0000:65:00.0) of " + host_name() +
                                                 " failed: uncorrectable ECC error encountered; "));
  const Error setup = gpu_error(GpuTrouble::kSetup, "GPU 9", "invalid device ordinal");
  EXPECT_EQ(setup.code(), ExitCode::kUsage);
  EXPECT_EQ(setup.what(), "GPU 9 of " + host_name() + " cannot be used: invalid device ordinal");
  EXPECT_EQ(gpu_error(GpuTrouble::kBug, "the GPU", "invalid argument").code(), ExitCode::kBug);
}

}  // namespace
}  // namespace charrnn
