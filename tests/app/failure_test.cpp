// Exceptions of LibTorch, CUDA and the standard library as exit codes. LibTorch's are its own classes, with texts that its
// version 2.11 and the libraries below it print.
#include "app/failure.hpp"

#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <system_error>
#include <vector>

#include "base/memory.hpp"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRemedy = "lower `columns`";

Error error_of(const std::exception& exception) {
  return as_error(exception, kRemedy);
}

template <class Exception = c10::Error>
Error torch_error(const std::string& text) {
  return error_of(Exception({"function", "file.cpp", 1}, text));
}

Error cuda_error(int number, const std::string& text) {
  return error_of(
      c10::AcceleratorError({"function", "file.cpp", 1}, number,
                            "CUDA error: " + text +
                                "\nSearch for `cudaError' in https://docs.nvidia.com/"
                                "\nCUDA kernel errors might be asynchronously reported at some other API call"));
}

void run_where_nobody_catches(const std::function<void()>& work) noexcept {
  work();
}

TEST(Failure, MemoryOnTheCpuIsUsage) {
  const Error known = error_of(OutOfMemory(57'700'000'000));
  EXPECT_EQ(known.code(), ExitCode::kUsage);
  EXPECT_STREQ(known.what(), "out of memory: the system refused another 57.7 GB; lower `columns`");
  EXPECT_STREQ(error_of(std::bad_alloc()).what(), "out of memory; lower `columns`");
  EXPECT_STREQ(error_of(std::system_error(ENOMEM, std::generic_category(), "mmap")).what(),
               "out of memory; lower `columns`");
}

TEST(Failure, LibTorchsRefusalTellsHowMuchItAskedFor) {
  constexpr std::int64_t kMany = std::int64_t{1} << 50;  // bytes; no machine has them
  try {
    at::empty({kMany}, at::kByte);
    FAIL() << "got a petabyte";
  } catch (const std::exception& exception) {
    EXPECT_EQ(error_of(exception).code(), ExitCode::kUsage);
    EXPECT_STREQ(error_of(exception).what(), "out of memory: the system refused another 1125899.9 GB; lower `columns`");
  }
}

TEST(Failure, AThreadThatCannotBeStartedIsUsage) {
  const Error error = error_of(std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again)));
  EXPECT_EQ(error.code(), ExitCode::kUsage);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("another thread"), HasSubstr("ulimit -u")));
}

TEST(Failure, MemoryOnAGpuIsUsage) {
  const Error full = torch_error<c10::OutOfMemoryError>(
      "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.11 GiB of which 1.19 GiB is "
      "free. Process 812 has 77.90 GiB memory in use. If reserved but unallocated memory is large try setting …");
  EXPECT_EQ(full.code(), ExitCode::kUsage);
  EXPECT_THAT(full.what(), AllOf(HasSubstr("Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.11 GiB of "
                                           "which 1.19 GiB is free; lower `columns`, or use `precision` bf16"),
                                 Not(HasSubstr("Process 812"))));
  EXPECT_EQ(cuda_error(2, "out of memory").code(), ExitCode::kUsage);
  EXPECT_EQ(torch_error("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`").code(),
            ExitCode::kUsage);
}

TEST(Failure, AGpuThatFailsInterrupts) {
  const Error ecc = cuda_error(214, "uncorrectable ECC error encountered");
  EXPECT_EQ(ecc.code(), ExitCode::kInterrupted);
  EXPECT_THAT(ecc.what(), AllOf(HasSubstr("failed: CUDA error: uncorrectable ECC error encountered; "),
                                HasSubstr("`resume`"), Not(HasSubstr("\n")), Not(HasSubstr("https"))));
  EXPECT_EQ(cuda_error(719, "unspecified launch failure").code(), ExitCode::kInterrupted);
  EXPECT_EQ(cuda_error(46, "CUDA-capable device(s) is/are busy or unavailable").code(), ExitCode::kInterrupted);
  EXPECT_EQ(torch_error("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED").code(), ExitCode::kInterrupted);
  EXPECT_EQ(torch_error("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(…)`").code(),
            ExitCode::kInterrupted);
}

TEST(Failure, AGpuThatWasNeverUsableIsUsage) {
  EXPECT_EQ(cuda_error(101, "invalid device ordinal").code(), ExitCode::kUsage);
  EXPECT_EQ(cuda_error(35, "CUDA driver version is insufficient for CUDA runtime version").code(), ExitCode::kUsage);
}

TEST(Failure, TheRestIsABug) {
  EXPECT_EQ(cuda_error(1, "invalid argument").code(), ExitCode::kBug);
  EXPECT_STREQ(error_of(std::logic_error("never")).what(), "internal error: never");
  const Error torch = torch_error("The size of tensor a (3) must match the size of tensor b (4)");
  EXPECT_EQ(torch.code(), ExitCode::kBug);
  EXPECT_STREQ(torch.what(), "internal error: The size of tensor a (3) must match the size of tensor b (4)");
  EXPECT_EQ(error_of(std::system_error(EPERM, std::generic_category())).code(), ExitCode::kBug);
}

TEST(FailureDeathTest, AnExceptionThatNobodyCanCatchEndsTheProcessWithItsCode) {
  EXPECT_EXIT(
      {
        end_by_as_error();
        run_where_nobody_catches([] { throw OutOfMemory(1'000'000'000); });
      },
      testing::ExitedWithCode(2),
      "charrnn_dist: error: out of memory: the system refused another 1.0 GB; lower --columns");
  EXPECT_EXIT(
      {
        end_by_as_error();
        run_where_nobody_catches([] { throw std::logic_error("never"); });
      },
      testing::KilledBySignal(SIGABRT), "charrnn_dist: error: internal error: never");
}

}  // namespace
}  // namespace charrnn
