"""The command line: help in every width, and that whatever is wrong is one line that names it, exit code 2."""
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MANUAL = program.PROGRAM.parent / "manual"
COMMANDS = ["train", "lr-find", "sample", "eval", "score", "bench", "inspect", "export", "serve", "doctor"]


def help_of(*words, width=80):
    return program.run(*words, env=program.environment(COLUMNS=str(width))).stdout


class Help(program.TestCase):
    def test_every_way_to_ask(self):
        for words in (["help"], ["-h"], ["help", "help"]):
            self.assertEqual(help_of(*words), help_of("--help"))
        for command in COMMANDS:
            text = help_of("help", command)
            self.assertEqual(help_of(command, "--help"), text)
            self.assertEqual(help_of(command, "-h"), text)
            self.assertIn(f"  {command} ", help_of("help"))

    def test_words_that_belong_to_no_option(self):
        for command, words in (("sample", "PATH..."), ("eval", "PATH..."), ("inspect", "PATH"), ("export", "PATH"),
                               ("serve", "[PATH...]")):
            text = help_of(command, "--help")
            self.assertTrue(text.startswith(f"usage: charrnn_dist {command} {words} [OPTIONS]\n"), text)
            self.assertRegex(text, rf"(?m)^  {re.escape(words)} +\S")

    def test_lines_fit(self):
        for words in (["help"], *(["help", command] for command in COMMANDS)):
            for width in (40, 80, 120):
                for line in help_of(*words, width=width).splitlines():
                    # A single word may be longer, such as a path in an example.
                    if len(line) > min(width, 100):
                        self.assertRegex(line, r"^ *(--\S+ )?\S+( \\)?$", f"{words} in {width}")

    def test_options_have_choices_ranges_and_defaults(self):
        text = " ".join(help_of("help", "train", width=100).split())
        for words in ("--device auto|cpu|cuda ", "--columns N columns the text", "(default: 64)", "(default: on)",
                      "--[no-]lowercase convert the text to lowercase (default: off)", "(1 to 200, default: 1)",
                      "--betas B1,B2", "(default: 0.9,0.999)", "(default: 1e-8)", "--resume [PATH]"):
            self.assertIn(words, text)
        for command in ("train", "lr-find", "bench", "sample", "eval", "serve"):
            text = " ".join(help_of("help", command, width=100).split())
            trains = command in ("train", "lr-find", "bench")
            self.assertIn("--precision fp32|tf32|bf16" + (" " if trains else "|int8 "), text)
            self.assertEqual("int8: weights of 8 bits" in text, not trains)
        for command in COMMANDS:
            text = help_of("help", command)
            self.assertNotIn("`", text)
            self.assertNotIn("so many", text)
            self.assertIn("\nexamples:\n  ", text)

    def test_nowhere_to_speak(self):
        """An error that cannot be told is the same error."""
        for words, code in ((["frob"], 2), (["train", "--corpus", self.folder / "none.txt"], 65)):
            for where in ("2>&-", "2>/dev/full", ">&- 2>&-"):
                line = ["sh", "-c", f'exec "$@" {where}', "sh", *program.command(*words)]
                self.assertEqual(subprocess.run(line, env=program.environment()).returncode, code, (words, where))

    def test_one_rank_speaks(self):
        self.assertEqual(program.run("help", ranks=2).stdout, help_of("help"))

    def test_version(self):
        text = program.run("--version").stdout
        self.assertEqual(program.run("-V").stdout, text)
        for line in (r"charrnn_dist \d+\.\d+\.\d+( \([0-9a-f]+(-dirty)?\))?", r"LibTorch +\d+\.\d+\.\d+", r"MPI +Open MPI v\S+",
                     r"HDF5 +\d+\.\d+\.\d+", r"NCCL +.+", r"engines +native, kernels for \w+; torch"):
            self.assertRegex(text, f"(?m)^{line}$")

    def test_manual_pages(self):
        groff = shutil.which("groff")
        for name in ("charrnn_dist", *(f"charrnn_dist-{command}" for command in COMMANDS)):
            page = (MANUAL / f"{name}.1").read_text()
            self.assertTrue(page.startswith(".TH "))
            if groff:
                shown = subprocess.run([groff, "-man", "-Tascii", "-ww", "-P-cbou"], input=page.encode(), capture_output=True)
                self.assertEqual(shown.stderr.decode(), "", name)
                self.assertIn("SYNOPSIS", shown.stdout.decode())
        self.assertIn("\\-\\-learning\\-rate RATE", (MANUAL / "charrnn_dist-train.1").read_text())

    def test_completion(self):
        script = MANUAL / "charrnn_dist.bash"

        def complete(*words):
            ask = (f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _charrnn_dist; "
                   'printf "%s\\n" "${COMPREPLY[@]}"')
            return subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(complete("charrnn_dist", "sa"), ["sample"])
        self.assertEqual(complete("charrnn_dist", "train", "--learn"), ["--learning-rate"])
        self.assertEqual(complete("charrnn_dist", "train", "--optimizer", "ada"), ["adam", "adamw"])
        self.assertEqual(complete("charrnn_dist", "train", "--no-low"), ["--no-lowercase"])
        self.assertEqual(complete("charrnn_dist", "train", "--corpus", str(self.corpus)[:-3]), [str(self.corpus)])
        zsh = (MANUAL / "_charrnn_dist").read_text()
        self.assertTrue(zsh.startswith("#compdef charrnn_dist\n"))
        if shutil.which("zsh"):
            subprocess.run(["zsh", "-n"], input=zsh.encode(), check=True)

    def test_table_of_the_readme(self):
        """README.md has the rows that follow from the option table."""
        readme = (program.SOURCE / "README.md").read_text()
        for row in (MANUAL / "options.md").read_text().splitlines():
            self.assertIn(f"\n{row}\n", readme)


class Errors(program.TestCase):
    def refuse(self, *words, says):
        result = program.run(*words, expect=2)
        self.assertEqual(result.stdout, "")
        self.assertEqual(result.stderr, f"charrnn_dist: error: {says}\n")

    def test_what_was_spelled_wrong(self):
        self.refuse(says="which command? charrnn_dist help shows them")
        self.refuse("tarin", says="there is no command 'tarin'; did you mean 'train'?")
        self.refuse("help", "smaple", says="there is no command 'smaple'; did you mean 'sample'?")
        self.refuse("xyz", says="there is no command 'xyz'; there are: " + ", ".join(COMMANDS))
        self.refuse("train", "--learning_rate", 1, says="train has no option --learning_rate; did you mean --learning-rate?")
        self.refuse("sample", "x", "--lenght=5", says="sample has no option --lenght; did you mean --length?")
        self.refuse("train", "--no-bptt-jiter", says="train has no option --no-bptt-jiter; did you mean --no-bptt-jitter?")
        self.refuse("train", "text.txt", says="train does not know what to do with 'text.txt'")
        self.refuse("train", "-x", says="train does not know what to do with '-x'")

    def test_values(self):
        for words, says in (
                (["--columns", 0], "--columns must be at least 1, not 0"),
                (["--columns", "8x"], "--columns must be a whole number, not '8x'"),
                (["--seed", 2 ** 64], f"--seed cannot be as large as {2 ** 64}"),
                (["--dropout", 1], "--dropout must be less than 1, not 1"),
                (["--layers", 201], "--layers must be at most 200, not 201"),
                (["--learning-rate", "nan"], "--learning-rate must be a finite number, not nan"),
                (["--device", "cudda"], "--device must be one of auto, cpu, cuda, not 'cudda'; did you mean 'cuda'?"),
                (["--betas", 0.9], "--betas must be two numbers, not 1"),
                (["--stride", 2], "--stride, --windows and --predict need --window, which is 0: running text"),
                (["--no-lowercase=on"], "--no-lowercase takes no value")):
            for command in ("train", "lr-find", "bench"):
                self.refuse(command, "--corpus", self.corpus, *words, says=says)

    def test_empty_is_not_absent(self):
        self.refuse("train", "--name", "", says="--name needs a value, not an empty one")
        self.refuse("train", "--columns=", 8, says="--columns needs a value, not an empty one")
        self.refuse("train", "--columns", says="--columns needs a value")
        self.refuse("train", "--name", "--columns", 8, says="--name needs a value")
        self.refuse("train", "--resume", "", says="--resume needs a value, not an empty one")
        self.refuse("train", "--config", "", says="--config needs a value, not an empty one")
        self.refuse("sample", "", says="PATH needs a value, not an empty one")
        self.refuse("sample", "x", "--device", "", says="--device needs a value, not an empty one")

    def test_what_is_missing(self):
        self.refuse("train", says="no text to train on: give --corpus, or corpus under [data] in a config")
        self.refuse("sample", says="sample needs the PATH of a checkpoint or of a run's folder")
        self.refuse("eval", "x", says="eval needs --corpus")
        self.refuse("inspect", says="inspect needs one PATH: a checkpoint, or the folder of a run")

    def test_a_run_that_is_refused_leaves_no_folder(self):
        for words, says in (("--model lsmt", "unknown --model 'lsmt'"), ("--model gru_cell --layers 2", "--model gru_cell has one layer"),
                            ("--groups x", "--groups: 'x' is not"), ("--phases x --schedule phases", "--phases: 'x' is not")):
            result = program.run("train", "--corpus", self.corpus, "--run-dir", self.folder, "--name", "run", *words.split(), expect=2)
            self.assertIn(says, result.stderr)
            self.assertFalse((self.folder / "run").exists())

    def test_device_of_every_command(self):
        says = "--device must be one of auto, cpu, cuda, not 'CUDA'"
        for words in (["train"], ["lr-find"], ["bench"], ["sample", "x"], ["eval", "x", "--corpus", "y"]):
            self.refuse(*words, "--device", "CUDA", says=says)

    def test_values_from_a_file_have_a_place(self):
        config = self.folder / "run.toml"
        config.write_text("[data]\ncolumns = 0\n")
        self.refuse("train", "--corpus", self.corpus, "--config", config, says=f"{config}:2:11: columns must be at least 1, not 0")
        # The command line wins, then it is at fault.
        self.refuse("train", "--corpus", self.corpus, "--config", config, "--columns", -1, says="--columns must be at least 1, not -1")
        config.write_text("[run]\nmicro-batches = 9\nreproducible = true\n[data]\ncolumns = 8\n")
        self.refuse("train", "--corpus", self.corpus, "--config", config,
                    says=f"{config}:2:17: micro-batches 9 are groups of whole columns, and there are only 8: lower it, or raise --columns")
        config.write_text("[data]\nmin_freq = 1\nmin-freq = 2\n")
        self.refuse("train", "--config", config, says=f"{config}:2:12: 'min-freq' is given twice")
        config.write_text("[[optimizer]]\nepochs = 1\n")
        self.refuse("train", "--config", config,
                    says=f"{config}:1:1: [optimizer] must be a table that stands there once, written [optimizer]")


class Values(program.TestCase):
    """What a run was told, as its config.toml has it."""
    characters = 1500
    model = ["--hidden", 4, "--columns", 2, "--max-steps", 1]

    def config(self, *words):
        folder = self.train("run", *self.model, *words)
        text = (folder / "config.toml").read_text()
        shutil.rmtree(folder)
        return dict(line.split(" = ") for line in text.splitlines() if " = " in line)

    def test_numbers_are_decimal(self):
        found = self.config("--bptt", "010", "--seed", "9223372036854775807", "--log-every", "1e3", "--train-fraction", "0.9")
        self.assertEqual([found[name] for name in ("bptt", "seed", "log-every", "train-fraction")],
                         ["10", "9223372036854775807", "1000", "0.9"])

    def test_the_last_one_wins(self):
        words = self.train_words("run", *self.model)
        program.run(*words, "--bptt", 5, "--bptt", 6, "--lowercase", "--no-lowercase")
        found = (self.folder / "runs/run/config.toml").read_text()
        self.assertIn("\nbptt = 6\n", found)
        self.assertIn("\nlowercase = false\n", found)
        sample = ["sample", self.folder / "runs/run", "--seed", 1]
        text = program.run(*sample, "--length", 3, "--length", 5).stdout
        self.assertEqual(text, program.run(*sample, "--length", 5).stdout)

    def test_optimizers(self):
        found = self.config("--optimizer", "sgd", "--momentum", 0.8, "--betas", "0.8,0.95", "--epsilon", "1e-6")
        self.assertEqual([found[name] for name in ("optimizer", "momentum", "betas", "epsilon")], ['"sgd"', "0.8", "[0.8, 0.95]", "1e-6"])

    def test_an_empty_config_file(self):
        empty = self.folder / "empty.toml"
        empty.write_text("")
        for file in (empty, "/dev/null"):
            self.config("--config", file)

    def test_paths_without_an_option(self):
        run = self.train("run", *self.model)
        words = ["--length", 20]
        self.assertEqual(program.run("sample", run, *words).stdout, program.run("sample", "--checkpoint", run, *words).stdout)
        # Several write together; of a model with itself that is the model.
        self.assertEqual(program.run("sample", run, run, *words).stdout, program.run("sample", run, *words).stdout)
        self.assertTrue(program.run("sample", run, "--prime", "").stdout)
        evaluations = program.run("eval", run, run / "checkpoints/latest", "--corpus", self.corpus, "--json").stdout.splitlines()
        self.assertEqual(len({json.loads(line)["loss"] for line in evaluations}), 1)
        self.assertEqual(len(evaluations), 2)

    def test_bench_has_the_options_of_train(self):
        words = ["bench", "--corpus", self.corpus, "--hidden", 4, "--columns", 2, "--steps", 1, "--threads", 1, "--json"]
        program.run(*words, "--window", 8, "--predict", "last")
        for option in ("--predict", "--predict-ranks"):
            predicted = json.loads(program.run(*words, option, 2, 4).stdout)["predicted"]
            self.assertEqual([one["ranks"] for one in predicted], [2, 4])

    def test_terminals(self):
        """A live line and bold text where the terminal understands escape sequences; none on one that is dumb."""
        for kind, has_escapes in (("xterm", True), ("dumb", False)):
            ours, its = pty.openpty()
            words = program.command(*self.train_words(kind, *self.model, "--max-steps", 20))
            with subprocess.Popen(words, stdin=its, stdout=its, stderr=its, env=program.environment(TERM=kind)) as process:
                os.close(its)
                written = b""
                try:
                    while piece := os.read(ours, 4096):
                        written += piece
                except OSError:  # how Linux tells that nobody writes any more
                    pass
            os.close(ours)
            self.assertEqual(process.returncode, 0, written)
            self.assertIn(b"done at step 20", written)
            self.assertEqual(b"\x1b" in written, has_escapes, written)

    def test_resume_says_what_changes(self):
        words = self.train_words("run", *self.model)
        told = program.run(*words, "--resume").stdout
        self.assertIn(f"nothing to resume in '{self.folder}/runs/run': starting a new run\n", told)
        told = program.run(*words, "--resume", "--max-steps", 2, "--learning-rate", 5e-4).stdout
        self.assertIn("resuming with --learning-rate 0.001 -> 0.0005\n", told)
        self.assertIn("resuming with --max-steps 1 -> 2\n", told)
        self.assertNotIn("corpus 1", told)
        self.assertEqual(len(re.findall("resuming with", told)), 2)
        told = program.run(*words, "--resume", "--max-steps", 2, "--learning-rate", 5e-4).stdout
        self.assertNotIn("resuming with", told)

    def test_check_starts_nothing(self):
        words = self.train_words("run", *self.model)
        for more in ([], ["--resume"]):
            told = program.run(*words, *more, "--check").stdout
        self.assertEqual(program.run(*words, "--check", ranks=2).stdout, told)
        self.assertIn("no option --hiden", program.run(*words, "--hiden", 5, "--check", expect=2).stderr)
        self.assertFalse((self.folder / "runs").exists())
        program.run(*words)
        self.assertEqual(told, (self.folder / "runs/run/config.toml").read_text())
        files = {path: path.stat().st_mtime_ns for path in (self.folder / "runs").rglob("*")}
        resumed = program.run(*words, "--resume", "--max-steps", 9, "--check").stdout
        self.assertEqual(resumed, told.replace("max-steps = 1\n", "max-steps = 9\n"))
        self.assertIn("has checkpoints already", program.run(*words, "--check", expect=2).stderr)
        self.assertIn("--hidden", program.run(*words, "--resume", "--hidden", 5, "--check", expect=2).stderr)
        self.assertEqual({path: path.stat().st_mtime_ns for path in (self.folder / "runs").rglob("*")}, files)

    def test_check_says_what_a_start_would(self):
        """Of all that does not need the text itself."""
        words = self.train_words("run", *self.model)
        for more, code in (("--phases foo --schedule phases", 2), ("--phases 1:1", 2), ("--schedule phases", 2), ("--groups foo", 2),
                           ("--groups nothing=1", 2), ("--precision bf16 --engine torch --device cpu", 2),
                           ("--engine frob", 2), (f"--corpus {self.folder / 'none.txt'}", 65), ("--corpus /dev/null", 65)):
            said = program.run(*words, *more.split(), "--check", expect=code)
            self.assertEqual(said.stdout, "")
            self.assertEqual(program.run(*words, *more.split(), expect=code).stderr, said.stderr)


if __name__ == "__main__":
    program.main()
