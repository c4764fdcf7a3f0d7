#include "app/program.hpp"
#include "models/torch_runtime.hpp"

int main(int argc, char** argv) {
  charrnn::flush_subnormal_numbers();
  return static_cast<int>(charrnn::run_program({argv + 1, argv + argc}));
}
