"""`sample` for people: texts that stop, that come as they are written, from a file, and in a dialog."""
import fcntl
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MODEL = ["--columns", 8, "--bptt", 20, "--model", "gru", "--hidden", 32, "--learning-rate", 1e-2, "--epochs", 2]


class Writing(program.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="charrnn_writing_")
        cls.addClassCleanup(folder.cleanup)
        corpus = Path(folder.name) / "corpus.txt"
        corpus.write_text(program.make_text(cls.characters), encoding="utf-8", newline="")
        program.run("train", "--corpus", corpus, "--run-dir", folder.name, "--name", "run", "--threads", 1, *MODEL)
        cls.run_folder = Path(folder.name) / "run"

    def words(self, *words):
        return ["sample", self.run_folder / "checkpoints/latest", *words]

    def sample(self, *words, **how):
        return program.run(*self.words(*words), **how)

    def texts(self, *words, count):
        parts = re.split(rf"^--- (\d+) of {count} ---\n", self.sample("--count", count, *words).stdout, flags=re.M)
        self.assertEqual((parts[0], parts[1::2]), ("", [str(i + 1) for i in range(count)]))
        return parts[2::2]

    def refuse(self, *words, says, code=2):
        result = self.sample(*words, expect=code)
        self.assertEqual((result.stdout, result.stderr.count("\n")), ("", 1), result.stderr)
        self.assertIn(says, result.stderr)


class Length(Writing):
    def test_without_one(self):
        """As every example in the documents is given."""
        self.assertIn("(default: 400)", program.run("sample", "--help").stdout)
        self.assertEqual(self.sample("--prime", "na").stdout, self.sample("--prime", "na", "--length", 400).stdout)

    def test_zero(self):
        self.assertEqual(self.sample("--prime", "na", "--length", 0).stdout, "na\n")


class Stop(Writing):
    def test_a_prefix_that_ends_with_it(self):
        whole = self.sample("--length", 400, "--seed", 3).stdout[:-1]
        for stop in (whole[200:203], whole[10], whole[300:302]):
            expected = whole[:whole.index(stop) + len(stop)]
            self.assertEqual(self.sample("--length", 400, "--seed", 3, "--stop", stop).stdout, expected + "\n")

    def test_not_in_the_prime(self):
        text = self.sample("--prime", "na. ", "--length", 50, "--stop", ". ").stdout
        self.assertGreater(len(text), len("na. \n"))

    def test_each_of_many_stops_by_itself(self):
        whole = self.texts("--length", 300, count=5)
        stopped = self.texts("--length", 300, "--stop", ".", count=5)
        self.assertEqual(stopped, [text[:text.index(".") + 1] + "\n" if "." in text else text for text in whole])
        self.assertTrue(any("." in text for text in whole))

    def test_what_never_comes_is_refused(self):
        self.refuse("--stop", "a™", says="the model never writes U+2122 '™' of --stop")
        lower = self.train("lower", *MODEL, "--lowercase")
        result = program.run("sample", lower, "--stop", "The", expect=2)
        self.assertIn("the model never writes 'T' of --stop: it writes lowercase", result.stderr)


class PrimeFile(Writing):
    def test_equals_prime(self):
        prime = "na de\nmo \n"
        file = self.folder / "prime.txt"
        file.write_text(prime, encoding="utf-8")
        expected = self.sample("--prime", prime, "--length", 100).stdout
        self.assertEqual(self.sample("--prime-file", file, "--length", 100).stdout, expected)
        with file.open() as stdin:
            self.assertEqual(self.sample("--prime-file", "-", "--length", 100, stdin=stdin).stdout, expected)

    def test_refused(self):
        damaged = self.folder / "damaged.txt"
        damaged.write_bytes(b"na \xff")
        self.refuse("--prime-file", damaged, says=f"'{damaged}' is not valid UTF-8 at byte 3")
        self.refuse("--prime-file", self.folder / "none", says="none': No such file or directory", code=65)
        self.refuse("--prime-file", self.folder, says="Is a directory", code=65)
        self.refuse("--prime-file", "/dev/zero", says="longer than the 64 MB", code=65)
        self.refuse("--prime-file", damaged, "--prime", "na", says="--prime-file takes the place of --prime")


class Streaming(Writing):
    def test_more_than_are_written_side_by_side(self):
        """Texts have numbers: what they are does not depend on how many are written with them."""
        many = self.texts("--length", 20, count=1500)
        self.assertEqual(many[:5], self.texts("--length", 20, count=5))
        self.assertEqual(len(set(many)), 1500)

    def test_comes_before_the_end(self):
        process = subprocess.Popen(program.command(*self.words("--length", 10 ** 9, "--count", 3)), stdout=subprocess.PIPE,
                                   env=program.environment())
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.read(100)[:15], b"--- 1 of 3 ---\n")

    def test_ends_with_its_reader(self):
        for words in (["--length", 10 ** 9], ["--length", 10 ** 9, "--count", 5], ["--length", 50, "--count", 65_536]):
            process = subprocess.Popen(program.command(*self.words(*words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       env=program.environment())
            self.assertTrue(process.stdout.readline())
            process.stdout.close()
            self.assertEqual((process.stderr.read(), process.wait(program.PATIENCE)), (b"", 0))
            process.stderr.close()

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run(program.command(*self.words("--length", 10)), stdout=full, stderr=subprocess.PIPE,
                                    env=program.environment(), timeout=program.PATIENCE)
        self.assertEqual(result.returncode, 65)
        self.assertIn(b"cannot write to standard output", result.stderr)


class Piped(Writing):
    """A dialog without a terminal: lines in, texts out."""

    def dialog(self, lines, *words):
        result = subprocess.run(program.command(*self.words("--interactive", *words)), input=lines.encode(), env=program.environment(),
                                capture_output=True, timeout=program.PATIENCE)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        return result.stdout.decode()

    def test_one_line(self):
        expected = self.sample("--prime", "na ", "--length", 60, "--seed", 4).stdout[len("na "):]
        for lines in ("na \n", "na "):  # the last line may lack its end
            self.assertEqual(self.dialog(lines, "--length", 60, "--seed", 4), expected)
        self.assertEqual(self.dialog("", "--length", 60), "")

    def test_an_empty_line_goes_on(self):
        whole = self.sample("--prime", "na ", "--length", 120, "--seed", 4).stdout[len("na "):]
        self.assertEqual(self.dialog("na \n\n", "--length", 60, "--seed", 4), whole[:60] + "\n" + whole[60:])
        self.assertEqual(self.dialog("\n", "--length", 60), self.sample("--length", 60).stdout)

    def test_a_line_is_read_after_what_was_written(self):
        first = self.sample("--greedy", "--prime", "na ", "--length", 30).stdout[len("na "):-1]
        prime = f"na {first}\nmo"
        second = self.sample("--greedy", "--prime", prime, "--length", 30).stdout[len(prime):]
        self.assertEqual(self.dialog("na \nmo\n", "--greedy", "--length", 30), f"{first}\n{second}")

    def test_a_prime_is_the_first_line(self):
        self.assertEqual(self.dialog("", "--prime", "na ", "--length", 30), self.sample("--prime", "na ", "--length", 30).stdout)

    def test_input_that_cannot_be_read(self):
        command = shlex.join(program.command(*self.words("--interactive")))
        for redirected, says in ((f"{command} </", b"cannot read standard input"), (f"{command} <&-", b"cannot read standard input"),
                                 (f"head -c 70000000 /dev/zero | {command}", b"longer than 64 MB")):
            with self.subTest(redirected):
                result = subprocess.run(redirected, shell=True, env=program.environment(), capture_output=True, timeout=program.PATIENCE)
                self.assertEqual((result.returncode, result.stdout, result.stderr.count(b"\n")), (65, b"", 1), result.stderr)
                self.assertIn(says, result.stderr)

    def test_refused(self):
        self.refuse("--interactive", "--count", 2, says="--interactive writes one text")
        self.refuse("--interactive", "--prime-file", "-", says="standard input is for what is typed")

    def test_a_line_that_fills_no_window(self):
        run = self.train("windows", "--window", 4, "--predict", "last", "--model", "CharRnn", "--hidden", 8, "--columns", 8,
                         "--epochs", 1)
        result = subprocess.run(program.command("sample", run / "checkpoints/latest", "--interactive", "--length", 5),
                                input="na\nnanana\nmo\n".encode(), env=program.environment(), capture_output=True,
                                timeout=program.PATIENCE)
        self.assertEqual((result.returncode, len(result.stdout.decode())), (0, 2 * len("12345\n")), result.stderr)
        self.assertEqual(result.stderr.count(b"\n"), 1)
        self.assertIn(b"'na' has 2 characters that the model knows, and it reads windows of 4", result.stderr)


class Terminal(Writing):
    """The same at a terminal."""

    def setUp(self):
        super().setUp()
        self.screen, inside = pty.openpty()
        self.addCleanup(os.close, self.screen)
        self.shown = ""
        self.process = subprocess.Popen(program.command(*self.words("--interactive", "--length", 10 ** 9)), stdin=inside, stdout=inside,
                                        stderr=inside, env=program.environment(TERM="xterm"), preexec_fn=self.own_terminal)
        os.close(inside)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)

    @staticmethod
    def own_terminal():
        """Ctrl-C is for the foreground process group of the session whose terminal it is."""
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def until(self, is_there, what):
        """Reads what is shown until the condition holds; returns what came since the last call."""
        new, end = "", time.monotonic() + program.PATIENCE
        while not is_there(new):
            ready, _, _ = select.select([self.screen], [], [], max(0, end - time.monotonic()))
            self.assertTrue(ready, f"waited in vain for {what}; there is {new[-500:]!r}")
            try:
                new += os.read(self.screen, 4096).decode(errors="replace")
            except OSError:  # the last process has closed it
                self.fail(f"ended before {what}: {new[-500:]!r}")
        return new

    def type(self, text):
        os.write(self.screen, text.encode())

    def prompt(self):
        return self.until(lambda new: new.endswith("> "), "the prompt")

    def test_ctrl_c_ends_the_text_then_all(self):
        self.prompt()
        self.type("na \n")
        self.until(lambda new: len(new) > 300, "a text")
        self.type("\x03")
        self.prompt()
        self.type("\n")
        self.until(lambda new: len(new) > 300, "the text to go on")
        self.type("\x03")
        self.prompt()
        self.type("\x03")
        self.assertEqual(self.process.wait(program.PATIENCE), 0)

    def test_ctrl_d_ends(self):
        self.prompt()
        self.type("\x04")
        self.assertEqual(self.process.wait(program.PATIENCE), 0)

    def test_term_ends_it_at_once(self):
        self.prompt()
        self.type("na \n")
        self.until(lambda new: len(new) > 100, "a text")
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(program.PATIENCE), -signal.SIGTERM)


if __name__ == "__main__":
    program.main()
