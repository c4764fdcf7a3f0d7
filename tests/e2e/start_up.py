"""Commands that compute nothing, and a model of the native engine that writes a text, do not load LibTorch; what needs it loads
it, and says what is missing if it is not there. The dynamic linker tells which files it opens (LD_DEBUG=files; ld.so(8))."""
import shutil
import subprocess
import sys
import unittest

import program

LIBRARY = program.PROGRAM.parent / "libcharrnn_torch.so"


class StartUp(program.TestCase):
    def loads_libtorch(self, *words, expect=0):
        log = self.folder / "linker"
        program.run(*words, expect=expect, env=program.environment(LD_DEBUG="files", LD_DEBUG_OUTPUT=str(log)))
        said = "".join(path.read_text() for path in self.folder.glob("linker.*"))
        for path in self.folder.glob("linker.*"):
            path.unlink()
        self.assertIn("libhdf5", said)
        return "libtorch_cpu.so" in said

    def trained(self, model="lstm", *more):
        return self.train("run-" + model, "--model", model, "--hidden", 24, "--columns", 4, "--max-steps", 2, *more)

    def test_without_libtorch(self):
        run = self.trained()
        for words in (["--help"], ["train", "--help"], ["--version"], ["inspect", run], ["no-such-command"],
                      ["export", run, "--to", self.folder / "model.safetensors"],
                      ["sample", run, "--prime", "In the beginning was the word. ", "--length", 20],
                      ["sample", run, "--count", 4, "--length", 20],
                      ["sample", run, "--count", 20, "--length", 20, "--precision", "int8"],
                      ["eval", run, "--corpus", self.corpus], ["score", run, "--corpus", self.corpus]):
            with self.subTest(words=words):
                expect = 2 if words == ["no-such-command"] else 0
                self.assertFalse(self.loads_libtorch(*words, expect=expect))

    def test_with_libtorch(self):
        run, other = self.trained(), self.trained("gru_cell")
        for words in (["sample", other, "--length", 20], ["sample", run, "--count", 20, "--length", 20],
                      ["eval", run, "--corpus", self.corpus, "--columns", 9], ["export", run, "--to", self.folder / "model.pt"]):
            with self.subTest(words=words):
                self.assertTrue(self.loads_libtorch(*words))

    def copied(self, library=None):
        """The program alone in a folder, or beside such a library."""
        folder = self.folder / "alone"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        shutil.copy(program.PROGRAM, folder)
        if library is not None:
            shutil.copy(library, folder / LIBRARY.name)
        return folder / program.PROGRAM.name

    def refuses(self, alone, *words):
        """Returns the one line of its error."""
        result = subprocess.run([alone, *map(str, words)], capture_output=True, text=True, env=program.environment())
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        errors = [line for line in result.stderr.splitlines(keepends=True) if "error: " in line]
        self.assertEqual(len(errors), 1, result.stderr)
        return errors[0]

    def test_says_what_is_missing(self):
        run, other = self.trained(), self.trained("gru_cell")
        alone = self.copied()
        written = subprocess.run([alone, "sample", run, "--length", "20"], capture_output=True, env=program.environment())
        self.assertEqual(written.returncode, 0, written.stderr)
        new = self.folder / "new"
        for words in (["sample", other], ["eval", run, "--corpus", self.corpus, "--columns", 9], ["export", run, "--to", self.folder / "model.pt"],
                      ["train", "--corpus", self.corpus, "--run-dir", self.folder, "--name", "new", "--threads", 2]):
            with self.subTest(words=words):
                said = self.refuses(alone, *words)
                self.assertRegex(said, r"cannot load LibTorch, which this needs: \S+/libcharrnn_torch\.so: cannot open .*; install the program "
                                       r"again, with its lib/charrnn_dist\n")
        self.assertFalse(new.exists())

    def test_takes_no_other_library(self):
        run, foreign = self.trained(), self.folder / "foreign"
        foreign.mkdir()
        (foreign / LIBRARY.name).write_text("not a library")
        program.run("export", run, "--to", self.folder / "model.pt", env=program.environment(LD_LIBRARY_PATH=str(foreign)))

    def test_refuses_a_library_of_another_version(self):
        other = self.trained("gru_cell")
        build = program.run("--version").stdout.splitlines()[0].removeprefix("charrnn_dist ")
        foreign = self.folder / "foreign.so"
        foreign.write_bytes(LIBRARY.read_bytes().replace(build.encode(), b"9" + build.encode()[1:]))
        said = self.refuses(self.copied(foreign), "sample", other)
        self.assertIn(f"libcharrnn_torch.so is of version 9{build[1:]} and this program of {build}; install", said)


if __name__ == "__main__":
    if not LIBRARY.exists():
        print("skipped: this build is linked with LibTorch")
        sys.exit(77)
    program.main()
