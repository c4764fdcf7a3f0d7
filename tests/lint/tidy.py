"""clang-tidy over our own sources, on all cores. clang cannot read gcc's precompiled headers, so the compile
commands lose them first."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

source = Path(os.environ["CHARRNN_SOURCE"])
build = Path(os.environ["CHARRNN_BUILD"])
commands = json.loads((build / "compile_commands.json").read_text())
commands = [c for c in commands if c["file"].endswith(".cpp") and Path(c["file"]).is_relative_to(source)]
for command in commands:
    command["command"] = re.sub(r"-Winvalid-pch\s+-include\s+\S+cmake_pch\.hxx", "", command["command"])
files = sorted({c["file"] for c in commands})

with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "compile_commands.json").write_text(json.dumps(commands))

    def check(file):
        return file, subprocess.run(["clang-tidy", "--quiet", "-p", folder, file], capture_output=True, text=True)

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, result in pool.map(check, files):
            if result.returncode != 0:
                failed += 1
                print(f"{file}\n{result.stdout}", end="")
print(f"clang-tidy: {len(files)} files, {failed} with findings")
sys.exit(1 if failed else 0)
