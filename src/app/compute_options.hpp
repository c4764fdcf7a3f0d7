// Where and how a command computes, for those that do not take the whole config of a run.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace charrnn {

struct ComputeOptions {
  std::int64_t threads = 0;  ///< per rank; 0: its share of the cores
  double timeout = 60;       ///< seconds that a rank waits for the others
  std::string device = "auto", engine = "auto";

  void declare(CLI::App& command) {
    command.add_option("--threads", threads, "threads per rank; 0: its share of the cores")
        ->capture_default_str()
        ->check(CLI::Range(0, 1024));
    command.add_option("--timeout", timeout, "seconds to wait for another rank before giving up")
        ->capture_default_str()
        ->check(CLI::Range(0.1, 1e6));
    command.add_option("--device", device, "auto, cpu or cuda")
        ->capture_default_str()
        ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
    command.add_option("--engine", engine, "auto, torch or native")
        ->capture_default_str()
        ->check(CLI::IsMember({"auto", "torch", "native"}));
  }
};

}  // namespace charrnn
