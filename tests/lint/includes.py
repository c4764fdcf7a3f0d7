"""Rooms of src/ include downwards only, and charrnn_core sees no MPI, no log library and no command line."""
import os
import re
import sys
from pathlib import Path

source = Path(os.environ["CHARRNN_SOURCE"]) / "src"
ROOMS = ["base", "config", "data", "dist", "models", "checkpoint", "sample", "train", "report", "serve", "doctor", "app"]
CORE = ROOMS[:ROOMS.index("report")]
FOREIGN = re.compile(r"<(mpi\.h|spdlog/|nccl\.h)")
MPI = re.compile(r"dist/(mpi_|nccl_|gradient_communicator|launcher|gpu_check|host_staged|node_)")

wrong, count = [], 0
for file in sorted(source.rglob("*.?pp")):
    room = file.relative_to(source).parts[0]
    if room not in ROOMS:  # main.cpp
        continue
    of_mpi = MPI.match(str(file.relative_to(source)))
    for number, line in enumerate(file.read_text().split("\n"), 1):
        included = re.match(r'#include (["<][^">]+)', line)
        if not included:
            continue
        count += 1
        path = included[1][1:]
        above = included[1][0] == '"' and ROOMS.index(path.split("/")[0]) > ROOMS.index(room)
        foreign = room in CORE and not of_mpi and (FOREIGN.match(included[1]) or MPI.match(path))
        if above or foreign:
            wrong.append(f"{file}:{number}: {line}")
print("\n".join(wrong))
print(f"{count} includes, {len(wrong)} that go up or out of charrnn_core")
sys.exit(bool(wrong or not count))
