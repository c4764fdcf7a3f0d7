"""clang-tidy over our own sources, on all cores.

Most of its time goes into libraries' headers, so files are checked joined, many at a time: those of one compile command, and
those whose options another command has too. A file that clang does not like behind others (both have an own constant of one
name, say) is checked alone. A file that several targets compile is checked once for each kind of processor. clang cannot read
gcc's precompiled headers, so the compile commands lose them first.
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

TOGETHER = 32

source = Path(os.environ["CHARRNN_SOURCE"])
build = Path(os.environ["CHARRNN_BUILD"])


def processor(options):
    return [option for option in options if option.startswith("-m")]


def batches():
    """Pairs: the options that compile some files, the files."""
    found, seen = {}, set()
    for one in json.loads((build / "compile_commands.json").read_text()):
        file = Path(one["file"])
        if file.suffix == ".cpp" and file.is_relative_to(source) and not file.is_relative_to(build):
            command = re.sub(r"-Winvalid-pch\s+-include\s+\S+cmake_pch\.hxx| -o \S+ -c \S+$", "", one["command"])
            options = tuple(shlex.split(command)[1:])
            if (file, *processor(options)) not in seen:
                seen.add((file, *processor(options)))
                found.setdefault(options, []).append(one["file"])
    for options in sorted(found, key=len):
        wider = [other for other in found if set(options) < set(other) and processor(options) == processor(other)]
        if wider:
            found[max(wider, key=lambda other: len(found[other]))] += found.pop(options)
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
