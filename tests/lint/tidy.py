"""clang-tidy over our own sources, on all cores.

Most of its time goes into libraries' headers, so files of one compile command are checked joined, many at a time. A file that
clang does not like behind others (both have an own constant of one name, say) is checked alone. clang cannot read gcc's
precompiled headers, so the compile commands lose them first.
"""
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

TOGETHER = 16

source = Path(os.environ["CHARRNN_SOURCE"])
build = Path(os.environ["CHARRNN_BUILD"])


def batches():
    """Pairs: the options that compile some files, the files."""
    found = {}
    for one in json.loads((build / "compile_commands.json").read_text()):
        if one["file"].endswith(".cpp") and Path(one["file"]).is_relative_to(source):
            command = re.sub(r"-Winvalid-pch\s+-include\s+\S+cmake_pch\.hxx| -o \S+ -c \S+$", "", one["command"])
            found.setdefault(tuple(shlex.split(command)[1:]), set()).add(one["file"])
    return [(options, sorted(files)[first : first + TOGETHER])
            for options, files in found.items() for first in range(0, len(files), TOGETHER)]


def run(command, files, *options):
    """A command of clang's on files joined in one, in the folder of the build."""
    name = files[0]
    if len(files) > 1:
        name = f"{scratch}/{Path(name).stem}_and_{len(files) - 1}.cpp"
        Path(name).write_text("".join(f'#include "{file}"  // NOLINT(bugprone-suspicious-include)\n' for file in files))
    return subprocess.run([*command, name, *options], cwd=build, capture_output=True, text=True)


def compatible(batch):
    """Splits a batch: the files that compile behind one another, and each of the rest alone."""
    options, files = batch
    alone = []
    while len(files) > 1:
        tried = run(["clang++", "-fsyntax-only", *options], files)
        if tried.returncode == 0:
            break
        blamed = set(re.findall(r"^(\S+?):\d+:\d+: (?:fatal )?error: ", tried.stderr, re.M)) & set(files) or set(files)
        alone += [(options, [file]) for file in files if file in blamed]
        files = [file for file in files if file not in blamed]
    return [(options, files), *alone] if files else alone


def findings(batch):
    """What clang-tidy says of these files and of our headers that they include; nothing where all is well."""
    options, files = batch
    checked = run(["clang-tidy", "--quiet", f"--config-file={source}/.clang-tidy"], files, "--", *options)
    return checked.stdout or checked.stderr if checked.returncode else ""


with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    checked = [one for batch in pool.map(compatible, batches()) for one in batch]
    checked.sort(key=lambda batch: -len(batch[1]))  # the long ones first
    found = [text for text in pool.map(findings, checked) if text]
print("".join(found), end="")
print(f"clang-tidy: {sum(len(files) for _, files in checked)} files in {len(checked)} parts, {len(found)} with findings")
sys.exit(1 if found else 0)
