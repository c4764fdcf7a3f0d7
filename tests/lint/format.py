"""clang-format and shellcheck over the files that git tracks."""
import os
import subprocess
import sys
from pathlib import Path

source = Path(os.environ["CHARRNN_SOURCE"])
tracked = subprocess.run(["git", "-C", source, "ls-files", "-co", "--exclude-standard"], check=True,
                         capture_output=True, text=True).stdout.split()
tracked = [source / name for name in tracked if (source / name).is_file()]
cpp = [str(f) for f in tracked if f.suffix in (".cpp", ".hpp", ".cu", ".cuh")]
shell = [str(f) for f in tracked if f.suffix in ("", ".sh", ".sbatch") and f.read_bytes()[:20].startswith(b"#!/usr/bin/env bash")
         or f.name == "common.sh"]
checks = [["clang-format", "--dry-run", "-Werror", *cpp], ["shellcheck", "-x", "-P", str(source), *shell]]
print(f"{len(cpp)} C++ files, {len(shell)} shell scripts")
sys.exit(max(subprocess.run(check, cwd=source).returncode != 0 for check in checks))
