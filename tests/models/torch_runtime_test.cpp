// What the program tells LibTorch before it computes.
#include "models/torch/torch_runtime.hpp"

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "models/engine.hpp"

namespace charrnn {
namespace {

bool is_tf32_allowed() {
  EXPECT_EQ(at::globalContext().allowTF32CuBLAS(), at::globalContext().allowTF32CuDNN());
  EXPECT_EQ(at::globalContext().allowTF32CuDNN(at::Float32Op::RNN), at::globalContext().allowTF32CuDNN());
  return at::globalContext().allowTF32CuBLAS();
}

TEST(TorchRuntime, AllowsTf32OnlyWhereItIsAskedFor) {
  configure_torch(1);
  EXPECT_FALSE(is_tf32_allowed());
  ThreadTeam team;
  ModelConfig model;
  for (const Device device : {Device{}, Device{.cuda = true}}) {
    for (const Precision precision : {Precision::kTf32, Precision::kFp32, Precision::kTf32, Precision::kBf16}) {
      const Compute compute{.device = device, .engine = "torch", .precision = precision, .team = team};
      std::ranges::find(engines(), compute.engine, &Engine::name)->set_threads(1, false, compute);
      EXPECT_EQ(is_tf32_allowed(), precision == Precision::kTf32) << device.cuda << " " << static_cast<int>(precision);
    }
  }
  configure_torch(1);  // what samples and serves computes in fp32, whatever ran before
  EXPECT_FALSE(is_tf32_allowed());
}

}  // namespace
}  // namespace charrnn
