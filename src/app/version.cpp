#include <H5public.h>
#include <fmt/format.h>
#include <mpi.h>

#include <array>
#include <utility>
#include <vector>
#ifdef CHARRNN_CUDA
#include <nccl.h>
#endif

#include "app/program.hpp"
#include "base/program_version.hpp"
#include "models/engine.hpp"
#include "models/libtorch.hpp"

namespace charrnn {

/// The first line of what the MPI library says of itself, up to a comma: "Open MPI v4.1.4".
std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string all(text.data(), static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
}

std::string version_text() {
  std::string text = fmt::format("charrnn_dist {}\n", kProgramBuild);
  text += fmt::format("LibTorch     {}\nMPI          {}\n", torch_version(), mpi_version());
  text += fmt::format("HDF5         {}.{}.{}\n", H5_VERS_MAJOR, H5_VERS_MINOR, H5_VERS_RELEASE);
#ifdef CHARRNN_CUDA
  text += fmt::format("NCCL         {}.{}.{}\n", NCCL_MAJOR, NCCL_MINOR, NCCL_PATCH);
#else
  text += "NCCL         none: built for CPUs only\n";
#endif
  std::vector<std::string> described;
  for (const Engine& engine : engines()) {
    std::string words = engine.description(Precision::kFp32, Device{});
    if (!words.empty()) described.push_back(std::move(words));
  }
  return text + fmt::format("engines      {}\n", fmt::join(described, "; "));
}

}  // namespace charrnn
