#include <csignal>

#include "app/program.hpp"
#include "models/torch_runtime.hpp"

int main(int argc, char** argv) {
  charrnn::flush_subnormal_numbers();
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is an error of write(), which we report, no death
  return static_cast<int>(charrnn::run_program({argv + 1, argv + argc}));
}
