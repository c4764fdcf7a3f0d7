"""What `cmake --install` puts into a prefix works from there: the program, its manual pages and completion, the headers,
and find_package(charrnn), with which the programs of examples/ are built; they agree with the installed program."""
import functools
import hashlib
import json
import math
import os
import random
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
        example = self.example("score_and_write")
        self.assertNotIn("libmpi", check("ldd", example))
        run = self.train("run", "--model", "lstm", "--hidden", 24, "--embedding", 8, "--columns", 8, "--max-steps", 40)
        prime = self.text[:300]
        (self.folder / "prime.txt").write_text(prime, encoding="utf-8", newline="")
        score, _, written = check(example, run, prime).partition("\n")
        loss = json.loads(self.installed("eval", run, "--corpus", self.folder / "prime.txt", "--json"))
        self.assertEqual(score, f"{loss['loss']:.6f} nats = {loss['bits_per_character']:.6f} bits per character")
        self.assertEqual(written, self.installed("sample", run, "--seed", 1, "--prime", prime, "--length", 200))
        self.assertEqual(subprocess.run([example, self.folder, "text"], capture_output=True, env=program.environment()).returncode, 65)

    @classmethod
    @functools.cache
    def example(cls, name):
        """A program of examples/, which are built the first time."""
        if not cls.examples.exists():
            check("cmake", "-G", "Ninja", "-S", program.SOURCE / "examples", "-B", cls.examples,
                  f"-DCMAKE_PREFIX_PATH={cls.prefix}", f"-DCMAKE_CXX_COMPILER={CACHE['CMAKE_CXX_COMPILER']}",
                  f"-DCMAKE_CXX_COMPILER_LAUNCHER={CACHE.get('CMAKE_CXX_COMPILER_LAUNCHER', '')}")
            check("cmake", "--build", cls.examples)
        return cls.examples / name

    def compress(self, *words, stdin, refused=None):
        """What examples/compress writes; or, where it refuses, the one line of its error: it may have written whole blocks of
        the text `refused` until then."""
        result = subprocess.run([self.example("compress"), *map(str, words)], input=stdin, capture_output=True, env=program.environment(),
                                timeout=program.PATIENCE)
        self.assertEqual(result.returncode, 0 if refused is None else 65, result.stderr)
        if refused is None:
            return result.stdout
        self.assertIn(result.stdout, (b"", refused))
        self.assertRegex(result.stderr, rb"^(warning: .*\n)?compress: error: .*\n$")
        return result.stderr.decode()

    def test_compress_takes_as_many_bits_as_eval_says(self):
        model = program.SOURCE / "models/nietzsche.safetensors"
        text = self.installed("sample", model, "--prime", "The ", "--length", 70_000).encode()
        (self.folder / "text").write_bytes(text)
        loss = json.loads(self.installed("eval", model, "--corpus", self.folder / "text", "--json"))
        expected = loss["characters"] * loss["loss"] / math.log(2) / 8
        packed = self.compress(model, stdin=text)
        self.assertLess(abs(len(packed) / expected - 1), 0.005)
        self.assertEqual(self.compress("--decompress", model, stdin=packed), text)

    def test_compress_gives_every_file_back(self):
        """Also what the vocabulary lacks, what is not UTF-8, and characters between two blocks."""
        source = random.Random(4)
        odd = (b"\xef\xbb\xbfna \xff de\r\n \xe2\x84" + "\ufffd\U0010ffff\0NA DE™".encode() + bytes(50) + source.randbytes(600) +
               self.text[:1000].encode() + b"\xe2\x84")
        small = ["--hidden", 8, "--embedding", 4, "--columns", 4, "--max-steps", 5]
        for name, words in {"unk": ["--model", "lstm"], "full": ["--model", "gru", "--full-vocabulary"], "bytes": ["--model", "rnn", "--bytes"],
                            "lower": ["--model", "gru", "--lowercase"], "written-out": ["--model", "gru_cell"]}.items():
            run = self.train(name, *small, *words)
            for text in (b"", odd):
                self.assertEqual(self.compress("--decompress", run, stdin=self.compress(run, stdin=text)), text, name)
        run = self.folder / "runs/unk"
        for start in range(5):
            text = b"a" * start + "ä™".encode() * 16_000
            self.assertEqual(self.compress("--decompress", run, stdin=self.compress(run, stdin=text)), text, start)

    def test_compress_says_how_it_is_called(self):
        for words, code in (["--help"], 0), ([], 2), (["--decompress"], 2), (["--pack", "model"], 2):
            result = subprocess.run([self.example("compress"), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            said, other = (result.stderr, result.stdout) if code else (result.stdout, result.stderr)
            self.assertEqual((result.returncode, said.startswith("usage: compress "), other), (code, True, ""), words)

    def test_compress_refuses_what_it_cannot_give_back(self):
        run = self.train("one", "--model", "gru", "--hidden", 8, "--embedding", 4, "--columns", 4, "--max-steps", 5)
        other = self.train("two", "--model", "gru", "--hidden", 8, "--embedding", 4, "--columns", 4, "--max-steps", 6)
        text = self.text[:150].encode()
        packed = self.compress(run, stdin=text)
        self.assertIn("another model", self.compress("--decompress", other, stdin=packed, refused=b""))
        source = random.Random(5)
        for at in [*range(1, 32, 4), *source.sample(range(32, len(packed) - 4), 6), len(packed) - 4, len(packed) - 1]:
            damaged = bytearray(packed)
            damaged[at] ^= 1 << source.randrange(8)
            self.compress("--decompress", run, stdin=bytes(damaged), refused=text)
        for end in (0, 7, 8, 15, 16, 19, 33, len(packed) - 5, len(packed) - 4, len(packed) - 1):
            self.compress("--decompress", run, stdin=packed[:end], refused=text)
        self.assertIn("after its end", self.compress("--decompress", run, stdin=packed + b"\n", refused=text))

        def signed(text_bytes, code):
            """A block that nobody compressed, with the right sum over its code."""
            sizes = text_bytes.to_bytes(4, "little") + len(code).to_bytes(4, "little")
            return packed[:16] + sizes + hashlib.sha256(sizes + code).digest()[:4] + bytes(4) + code + bytes(4)
        for text_bytes, code in ((65_536, b""), (1000, b"\xff" * 100), (65_536, source.randbytes(1000))):
            self.assertIn("another kind of processor", self.compress("--decompress", run, stdin=signed(text_bytes, code), refused=b""))
        for block in (signed(65_540, b""), packed[:16] + b"\xff" * 100, signed(65_536, b"")[:20] + b"\xff" * 4 + bytes(100)):
            self.assertIn("damaged", self.compress("--decompress", run, stdin=block, refused=b""))
        full = self.train("full", "--model", "gru", "--full-vocabulary", "--hidden", 8, "--columns", 4, "--max-steps", 1)
        packed = self.compress(full, stdin=b"")  # its token 0 has no text: a block of it alone would never end
        self.assertIn("another kind of processor", self.compress("--decompress", full, stdin=signed(65_536, b""), refused=b""))
        windows = self.train("windows", "--model", "gru", "--window", 8, "--hidden", 8, "--columns", 16, "--max-steps", 1)
        self.assertIn("reads windows", self.compress(windows, stdin=text, refused=b""))


if __name__ == "__main__":
    if CACHE.get("CHARRNN_SANITIZE", "OFF") == "ON":
        print("skipped: a library with sanitizers in it is for tests alone")
        sys.exit(77)
    program.main()
