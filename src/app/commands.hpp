// The commands, one source file each.
#pragma once

#include "app/command_line.hpp"

namespace charrnn {

Command train_command();
Command lr_find_command();
Command sample_command();
Command eval_command();
Command bench_command();
Command inspect_command();

}  // namespace charrnn
