"""What `cmake --install` puts into a prefix works from there: the program, its manual pages and completion, the headers,
and find_package(charrnn), with which the program of examples/ is built; it agrees with the installed program."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

BUILD = program.PROGRAM.parent
CACHE = dict(re.findall(r"(?m)^(\w+):\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text()))


def check(*words, env=None, cwd=None):
    """Runs a command and returns what it printed."""
    result = subprocess.run([*map(str, words)], capture_output=True, text=True, env=env or program.environment(), cwd=cwd)
    if result.returncode != 0:
        raise AssertionError(f"exit code {result.returncode}: {' '.join(map(str, words))}\n{result.stdout}{result.stderr}")
    return result.stdout


class Package(program.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="charrnn_install_")
        cls.addClassCleanup(folder.cleanup)
        cls.prefix, cls.examples = Path(folder.name) / "prefix", Path(folder.name) / "examples"
        check("cmake", "--install", BUILD, "--prefix", cls.prefix)

    def installed(self, *words):
        return check(self.prefix / "bin/charrnn_dist", *words)

    def test_program_runs_from_the_prefix(self):
        self.assertEqual(self.installed("--version"), program.run("--version").stdout)
        check(self.prefix / "bin/known_entropy", "--help")
        share = self.prefix / "share/charrnn"
        self.installed("train", "--config", share / "configs/quickstart.toml", "--corpus", self.corpus, "--max-steps", 1,
                       "--run-dir", self.folder)
        self.assertTrue(self.installed("sample", share / "models/nietzsche.safetensors", "--prime", "The ").startswith("The "))

    def test_batch_script_takes_the_program_of_the_path(self):
        srun = self.folder / "srun"  # says what it would start
        srun.write_text('#!/bin/sh\necho "$@"\n')
        srun.chmod(0o755)
        path = f"{self.folder}:{self.prefix}/bin:{os.environ['PATH']}"
        said = check("bash", self.prefix / "share/charrnn/cluster/slurm/train.sbatch", "train", cwd=self.folder,
                     env=program.environment(PATH=path, CHARRNN_PROGRAM=""))
        self.assertIn(f" {self.prefix}/bin/charrnn_dist train --resume\n", said)

    def test_manual_pages(self):
        commands = ["", *(f"-{name}" for name in ("train", "lr-find", "sample", "eval", "score", "bench", "inspect", "export", "serve", "doctor"))]
        pages = self.prefix / "share/man/man1"
        self.assertEqual({page.name for page in pages.iterdir()}, {f"charrnn_dist{command}.1" for command in commands})
        for page in pages.iterdir():
            self.assertIn("SEE ALSO", page.read_text())

    def test_bash_completes_the_installed_program(self):
        """As an interactive shell does it: by the function that `complete` names."""
        script = self.prefix / "share/bash-completion/completions/charrnn_dist"
        for typed, completed in ((["ins"], "inspect"), (["train", "--learn"], "--learning-rate")):
            words = ["charrnn_dist", *typed]
            self.assertEqual(check("bash", "-c", f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(typed)}; "
                                   '$(complete -p charrnn_dist | sed "s/.*-F \\([^ ]*\\) .*/\\1/"); echo "${COMPREPLY[@]}"').strip(),
                             completed)
        self.assertTrue((self.prefix / "share/zsh/site-functions/_charrnn_dist").exists())

    def test_scripts_take_the_program_of_their_prefix(self):
        path = f"{self.prefix}/bin:{os.environ['PATH']}"
        env = {name: value for name, value in program.environment(PATH=path).items() if name != "CHARRNN_PROGRAM"}
        check("charrnn_run", "-np", 2, *self.train_words("run", "--model", "gru", "--hidden", 8, "--columns", 4, "--max-steps", 2),
              env=env)
        self.assertRegex(check("charrnn_results", self.folder / "runs/run", env=env), r"(?m)^run .*done")

    def test_scripts_say_what_one_types(self):
        env = program.environment(PATH=f"{self.prefix}/bin:{os.environ['PATH']}")
        for script in ("run", "sweep", "plot", "results", "track", "fetch_corpus"):
            said = check(f"charrnn_{script}", "--help", env=env)
            self.assertTrue(said.startswith(f"usage: charrnn_{script} "), said)
            self.assertNotIn(f"launch/{script}", said)

    def test_prefix_with_the_bundle_needs_no_libtorch_of_the_system(self):
        """It is moved, and what the program loads of LibTorch lies in it."""
        prefix = self.folder / "bundled"
        for component in "program", "bundle":
            check("cmake", "--install", BUILD, "--prefix", prefix, "--component", component)
        moved = prefix.rename(self.folder / "moved")
        own = moved / "lib/charrnn_dist/libcharrnn_torch.so"
        loaded = check("ldd", own if own.exists() else moved / "bin/charrnn_dist")  # the CUDA build is linked with LibTorch
        for library in ("libtorch_cpu", "libc10"):
            self.assertRegex(loaded, rf"{library}\.so => {moved}/")
        self.assertTrue(check(moved / "bin/charrnn_dist", "sample", moved / "share/charrnn/models/nietzsche.safetensors",
                              "--prime", "The program loads it", "--count", 20))
        self.assertFalse((moved / "include").exists())

    def test_module_file(self):
        init = next(iter(sorted(Path("/usr/share/lmod").glob("*/init/bash"))), None)
        if init is None:
            self.skipTest("needs Lmod: apt-get install lmod")
        said = check("bash", "-c", f"source {init}; module use {self.prefix}/share/charrnn/modulefiles; module load charrnn_dist; "
                     "command -v charrnn_dist; module unload charrnn_dist; echo $PATH")
        found, path = said.splitlines()
        self.assertEqual(found, f"{self.prefix}/bin/charrnn_dist")
        self.assertNotIn(str(self.prefix), path)

    def test_headers_need_nothing_else(self):
        """No folder of LibTorch, HDF5 or MPI, and no header of ours to come before. A header that has a source of its own
        is its first include there, so only the others are tried alone."""
        include = self.prefix / "include"
        headers = sorted(path.relative_to(include) for path in include.rglob("*.hpp"))
        self.assertGreater(len(headers), 60)
        everything = self.folder / "everything.cpp"  # with the program of docs/library.md
        documented = re.search(r"```cpp\n(.*?)```", (program.SOURCE / "docs/library.md").read_text(), re.S)[1]
        everything.write_text("".join(f"#include <{header}>\n" for header in headers) + documented)
        alone = [include / header for header in headers
                 if not (program.SOURCE / "src" / header.relative_to("charrnn")).with_suffix(".cpp").exists()]
        check(CACHE["CMAKE_CXX_COMPILER"], "-std=c++20", "-fsyntax-only", "-w", "-I", include, "-I", include / "charrnn",
              everything, *alone)

    def test_example_agrees_with_the_program(self):
        check("cmake", "-G", "Ninja", "-S", program.SOURCE / "examples", "-B", self.examples,
              f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_CXX_COMPILER={CACHE['CMAKE_CXX_COMPILER']}",
              f"-DCMAKE_CXX_COMPILER_LAUNCHER={CACHE.get('CMAKE_CXX_COMPILER_LAUNCHER', '')}")
        check("cmake", "--build", self.examples)
        example = self.examples / "score_and_write"
        self.assertNotIn("libmpi", check("ldd", example))
        run = self.train("run", "--model", "lstm", "--hidden", 24, "--embedding", 8, "--columns", 8, "--max-steps", 40)
        prime = self.text[:300]
        (self.folder / "prime.txt").write_text(prime, encoding="utf-8", newline="")
        score, _, written = check(example, run, prime).partition("\n")
        loss = json.loads(self.installed("eval", run, "--corpus", self.folder / "prime.txt", "--json"))
        self.assertEqual(score, f"{loss['loss']:.6f} nats = {loss['bits_per_character']:.6f} bits per character")
        self.assertEqual(written, self.installed("sample", run, "--seed", 1, "--prime", prime, "--length", 200))
        self.assertEqual(subprocess.run([example, self.folder, "text"], capture_output=True, env=program.environment()).returncode, 65)


if __name__ == "__main__":
    if CACHE.get("CHARRNN_SANITIZE", "OFF") == "ON":
        print("skipped: a library with sanitizers in it is for tests alone")
        sys.exit(77)
    program.main()
