// The program: its commands, and the way into them.
#include "app/commands.hpp"
#include "app/program.hpp"
#include "models/torch_runtime.hpp"

int main(int argc, char** argv) {
  charrnn::flush_subnormal_numbers();
  charrnn::Commands commands = {charrnn::train_command(), charrnn::lr_find_command(), charrnn::sample_command(),
                                charrnn::eval_command(),  charrnn::bench_command(),   charrnn::inspect_command()};
  return static_cast<int>(charrnn::run_program(commands, {argv + 1, argv + argc}));
}
