"""The recurrent kernels, compiled for each kind of GPU, need no memory but registers and shared memory: no stack, no spills.
The command is the build's own, for other GPUs. (How much shared memory they ask for when they start is in recurrence_test.)"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

build = Path(os.environ["CHARRNN_BUILD"])
GPUS = ("80", "90", "100")
KERNELS = 6  # forward and backward, of three cells

commands = json.loads((build / "compile_commands.json").read_text())
[command] = [shlex.split(entry["command"]) for entry in commands if entry["file"].endswith("recurrence_kernels.cu")]
command = [word for word in command if not word.startswith("--generate-code")]
with tempfile.TemporaryDirectory() as folder:
    command[command.index("-o") + 1] = f"{folder}/kernels.o"
    command += ["--resource-usage", *(f"--generate-code=arch=compute_{gpu},code=sm_{gpu}" for gpu in GPUS)]
    output = subprocess.run(command, cwd=build, capture_output=True, text=True)
report = output.stdout + output.stderr
if output.returncode:
    sys.exit(report)

bad = 0
for gpu in GPUS:
    found = re.findall(rf"entry function '(\w+)' for 'sm_{gpu}'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, "
                       r"(\d+) bytes spill loads.*?Used (\d+) registers", report, re.DOTALL)
    print(f"sm_{gpu}: {len(found)} kernels, up to {max((int(kernel[4]) for kernel in found), default=0)} registers")
    bad += len(found) != KERNELS
    for name, *memory, _ in found:
        if memory != ["0", "0", "0"]:
            bad += 1
            print(f"  {name}: stack {memory[0]} bytes, spilled {memory[1]} and {memory[2]}")
sys.exit(bad)
