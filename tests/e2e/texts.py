"""Texts as people have them: packed, in folders and archives, in other encodings, damaged, hostile. Files are made by Python's
own modules and the usual tools, and the advice that the program prints is run by a shell."""
import bz2
import contextlib
import gzip
import hashlib
import io
import json
import lzma
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import Counter
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MODEL = ["--model", "rnn", "--hidden", 8, "--columns", 4, "--epochs", 1, "--max-steps", 3, "--seed", 5]
MARK = b"\xef\xbb\xbf"


def packers():
    """Functions by name that pack bytes."""
    found = {"gz": gzip.compress, "xz": lzma.compress, "bz2": bz2.compress}
    if shutil.which("zstd"):
        found["zst"] = lambda data: subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout
    return found


def tar(files, pack=lambda data: data):
    """A tar archive of (name, bytes), or of TarInfos where something else should be in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files:
            entry = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return pack(buffer.getvalue())


class Texts(program.TestCase):
    def file(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def identity(self, name, *corpus, words=(), **how):
        """Trains a little: the SHA-256 of the text as the checkpoint has it, and the hash of the parameters."""
        run = self.train(name, *MODEL, "--corpus", *corpus, *words, **how)
        with h5py.File(run / "checkpoints/latest") as file:
            return file["data"].attrs["corpus_sha256"].decode(), program.parameter_hash(run)

    def refuse(self, *corpus, env=None, words=(), code=65, ranks=None):
        """The one line that the program ends with."""
        result = program.run("lr-find", "--corpus", *corpus, *MODEL[:6], "--threads", 1, "--steps", 1, "--output",
                             self.folder / "lr", *words, expect=code, env=env, ranks=ranks)
        lines = [line for line in result.stderr.splitlines() if line.startswith("charrnn_dist: error: ")]
        self.assertEqual(len(lines), 1, result.stderr)
        return lines[0]


class Packed(Texts):
    def test_every_packing_gives_the_same_text(self):
        data = self.text.encode()
        expected = (hashlib.sha256(data).hexdigest(), self.identity("plain", self.corpus)[1])
        halves = [("b.txt", data[:7000]), ("a.txt", data[7000:])]  # in this order
        for kind, pack in packers().items():
            self.assertEqual(self.identity(kind, self.file(f"text.{kind}", pack(data))), expected, kind)
            self.assertEqual(self.identity(f"tar.{kind}", self.file(f"text.tar.{kind}", tar(halves, pack))), expected, kind)
        self.assertEqual(self.identity("tar", self.file("text.tar", tar(halves))), expected)
        self.assertEqual(self.identity("twice", self.file("twice.gz", gzip.compress(lzma.compress(data)))), expected)
        joined = gzip.compress(data[:5000]) + gzip.compress(b"") + gzip.compress(data[5000:])
        self.assertEqual(self.identity("joined", self.file("joined.gz", joined)), expected)
        for kind, pack in {"tar": lambda data: data, "tar.gz": gzip.compress}.items():  # as `cat a.tar b.tar` makes it
            joined = b"".join(tar([half], pack) for half in halves)
            self.assertEqual(self.identity(f"joined.{kind}", self.file(f"joined.{kind}", joined)), expected, kind)
        with zipfile.ZipFile(self.folder / "text.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, part in halves:
                archive.writestr(name, part)
        self.assertEqual(self.identity("zip", self.folder / "text.zip"), expected)
        self.assertEqual(self.identity("two ranks", self.folder / "text.gz", ranks=2)[0], expected[0])

    def test_what_is_no_text_in_an_archive_is_left_out(self):
        data = self.text.encode()
        link, hard, device, folder = (tarfile.TarInfo(name) for name in ("link", "hard", "device", "folder"))
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        hard.type, hard.linkname = tarfile.LNKTYPE, "../../etc/passwd"
        device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 5  # /dev/zero
        folder.type = tarfile.DIRTYPE
        path = self.file("odd.tar.gz", tar([(link, b""), (folder, b""), (".git/config", b"hidden"), ("../../a", data[:9000]),
                                            (hard, b""), (device, b""), ("/b", data[9000:]), ("ä\u4e2d.txt", b"")], gzip.compress))
        run = self.train("odd", *MODEL, "--corpus", path)
        with h5py.File(run / "checkpoints/latest") as file:
            self.assertEqual(file["data"].attrs["corpus_sha256"].decode(), hashlib.sha256(data).hexdigest())
        self.assertIn("left out of the corpus: 1 hidden file, 2 links, 1 device or pipe", (run / "log.rank0.txt").read_text())
        self.assertEqual(sorted(entry.name for entry in self.folder.iterdir()), ["corpus.txt", "odd.tar.gz", "runs"])

    def test_several_files_and_folders(self):
        data = self.text.encode()
        parts = [data[i:i + 4000] for i in range(0, len(data), 4000)]
        for i, part in enumerate(parts[:3]):
            self.file(f"books/{i}/text.txt", part)
        rest = [self.file("x,y.txt", parts[3]), self.file("rest.gz", gzip.compress(b"".join(parts[4:])))]
        expected = self.identity("plain", self.corpus)
        self.assertEqual(self.identity("list", self.folder / "books", *rest), expected)
        config = self.folder / "list.toml"
        config.write_text(f"[data]\ncorpus = {json.dumps([str(path) for path in (self.folder / 'books', *rest)])}\n")
        program.run("train", "--config", config, *MODEL, "--run-dir", self.folder / "runs", "--name", "toml", "--threads", 1)
        self.assertEqual(program.parameter_hash(self.folder / "runs/toml"), expected[1])
        # Given twice is the same as given together; and a resume finds the files from any folder.
        words = ["train", "--corpus", "books", "--corpus", *rest, *MODEL, "--run-dir", "runs", "--name", "twice", "--threads", 1]
        subprocess.run(program.command(*words), cwd=self.folder, env=program.environment(), check=True, capture_output=True)
        result = program.run("train", "--resume", "--run-dir", self.folder / "runs", "--name", "twice", "--max-steps", 6)
        self.assertIn("/books and 2 more (5 files): 20,000 characters", result.stdout)
        # What is in the folder is the text: with another file it is another one.
        self.file("books/3.txt", b"one more")
        self.assertIn("is not the corpus", program.run("train", "--resume", "--run-dir", self.folder / "runs", "--name", "twice",
                                                       "--max-steps", 9, expect=65).stderr)
        found = json.loads(program.run("eval", self.folder / "runs/list", "--json", "--corpus", self.folder / "books", *rest).stdout)
        self.assertEqual(found["corpus"], [str(self.folder / "books"), *map(str, rest)])

    def test_damaged_and_cut_off(self):
        data = os.urandom(150_000).hex().encode()  # which packs badly
        files = {kind: pack(data) for kind, pack in packers().items()}
        files |= {f"tar.{kind}": tar([("a.txt", data[:1000]), ("b.txt", data[1000:])], pack) for kind, pack in packers().items()}
        for kind, packed in files.items():
            for what, broken in (("cut", packed[:len(packed) // 2]), ("end", packed[:-1])):
                line = self.refuse(self.file(f"{what}.{kind}", broken))
                self.assertIn(f"/{what}.{kind}' is damaged or cut off ", line)
            flipped = bytearray(packed)
            flipped[len(flipped) // 2] ^= 16
            self.assertIn(f"/flipped.{kind}' is damaged or cut off ", self.refuse(self.file(f"flipped.{kind}", flipped)))
        plain = tar([("a.txt", data), ("b.txt", data)])
        self.assertIn("of 'b.txt' in '", self.refuse(self.file("middle.tar", plain[:450_000])))
        second = plain.index(b"b.txt\0")
        self.assertRegex(self.refuse(self.file("between.tar", plain[:second])), "cut off after 'a.txt' .* it has no end")
        line = self.refuse(self.file("header.tar", plain[:second] + b"\x07" * 512 + plain[second + 512:]))
        self.assertIn("header.tar' is damaged or cut off after 'a.txt'", line)

    def test_a_file_made_to_fill_the_disk(self):
        """Is refused by its ratio; or, if that looks like a text, where the room ends."""
        piece = gzip.compress(b"all work and no play makes jack a dull boy\n" * 400_000)
        bomb = self.file("bomb.gz", piece * 70)  # 1.2 GB
        before = set(os.listdir("/tmp"))
        start = time.monotonic()
        self.assertIn(f"unpacks to more than 250 times its {len(piece) * 70:,} bytes", self.refuse(bomb))
        print(f"refused after {time.monotonic() - start:.1f} s")
        self.assertEqual({name for name in set(os.listdir("/tmp")) - before if "charrnn_text" in name}, set())
        for _ in range(3):
            piece = lzma.compress(piece)
        self.assertIn("is packed more than 2 times over", self.refuse(self.file("nested.xz", piece)))
        headers = lzma.compress(tar([("empty.txt", b"")])[:512] * 200_000)
        self.assertIn("unpacks to more than 250 times", self.refuse(self.file("headers.tar.xz", headers * 11)))  # 1.1 GB
        text = self.file("long.gz", gzip.compress(b"all work and no play makes jack a dull boy\n" * 400_000) * 6)  # 103 MB
        self.addCleanup(resource.setrlimit, resource.RLIMIT_FSIZE, resource.getrlimit(resource.RLIMIT_FSIZE))
        resource.setrlimit(resource.RLIMIT_FSIZE, (80_000_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        self.assertRegex(self.refuse(text), "cannot keep more than 76 MB of the text in '.*': File too large; set TMPDIR to")
        resource.setrlimit(resource.RLIMIT_FSIZE, (30_000_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        self.assertRegex(self.refuse(text), "cannot keep more than .* of the text in memory: File too large")


class Encodings(Texts):
    """What is not UTF-8 is told, and the command at the end of the line mends it."""

    def mend(self, path, says, expected=None):
        """The command, run in a folder of its own, writes `expected`, on which the program trains."""
        line = self.refuse(path)
        self.assertIn(says, line)
        command = line.rpartition(": ")[2]
        folder = self.folder / f"mended{len(list(self.folder.glob('mended*')))}"
        folder.mkdir()
        done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True)
        self.assertTrue(done.returncode == 0 or " -c " in command, f"{command}\n{done.stderr}")
        written, = folder.iterdir()
        expected = self.text if expected is None else expected
        self.assertEqual(written.read_bytes(), expected if isinstance(expected, bytes) else expected.encode())
        self.identity(folder.name, written)

    def test_wide_texts(self):
        for encoding, name in (("utf-16", "UTF-16,"), ("utf-16-le", "UTF-16LE,"), ("utf-16-be", "UTF-16BE,"),
                               ("utf-32", "UTF-32,"), ("utf-32-le", "UTF-32LE,"), ("utf-32-be", "UTF-32BE,")):
            self.mend(self.file(f"{encoding}.txt", self.text.encode(encoding)), f"{encoding}.txt' is {name} not UTF-8")
        self.mend(self.file("of windows's.txt", b"\xfe\xff" + self.text.encode("utf-16-be")), "UTF-16, not")
        russian = "Все счастливые семьи похожи друг на друга\n" * 100
        self.mend(self.file("russian", russian.encode("utf-16-le")), "UTF-16LE,", russian)

    def test_windows_text(self):
        text = "It’s a café, “naïve” – and so on; most of it is plain text\n" * 300
        self.mend(self.file("w.txt", text.encode("cp1252")), "byte 2 (0x92, character 2): it may be Windows-1252", text)
        line = self.refuse(self.file("koi8.txt", ("Все счастливые семьи похожи\n" * 50).encode("koi8-r")))
        self.assertTrue(line.endswith("convert it with iconv if you know its encoding"), line)

    def test_damaged_utf8(self):
        text = "Grüße, λόγος, “quoted” and plain\n" * 300
        damaged = text.encode().replace(b"plain", b"pl\xffain", 3)
        self.mend(self.file("d.txt", damaged), "0xff, character 29): the text is damaged", text)

    def test_inside_archives(self):
        wide = self.text.encode("utf-16")
        self.mend(self.file("a b.tar.gz", tar([("x/it's.txt", wide)], gzip.compress)), "'x/it's.txt' in '")
        self.mend(self.file("text.txt.gz", gzip.compress(wide)), "text.txt.gz' is UTF-16")
        self.mend(self.file("text.xz", lzma.compress(gzip.compress(wide))), "text.xz' is UTF-16")
        packed = gzip.compress(self.text.encode())
        self.mend(self.file("nested.tar", tar([("in.txt.gz", packed)])), "is packed once more", packed)
        self.mend(self.file("outer.tar.xz", tar([("-in.tar", tar([("a.txt", self.text.encode())]))], lzma.compress)),
                  "is an archive itself", tar([("a.txt", self.text.encode())]))
        if shutil.which("unzip"):
            with zipfile.ZipFile(self.folder / "w.zip", "w") as archive:
                archive.writestr("w.txt", wide)
            self.mend(self.folder / "w.zip", "'w.txt' in '")

    def test_names_that_would_command_a_terminal(self):
        path = self.file("a\x1b]0;owned\x07\n.txt", self.text.encode("utf-16"))
        archive = self.file("a.tar", tar([("\x9b31m\x1b[2J.txt", self.text.encode("utf-16"))]))
        for one in (path, archive):
            result = program.run("lr-find", "--corpus", one, *MODEL[:6], expect=None)
            self.assertNotRegex(result.stderr.rstrip("\n"), "[\x00-\x1f\x7f-\x9f]")
        self.mend(archive, "is UTF-16")

    def test_byte_order_mark(self):
        """Is no character, and a text with it is the same text; but a checkpoint that knows it as one goes on with it."""
        expected = self.identity("plain", self.corpus)
        self.assertEqual(self.identity("marked", self.file("marked.txt", MARK + self.text.encode())), expected)
        # Programs before 0.6 would have read `marked` as this one reads a file with a second mark.
        self.identity("old", self.file("twice.txt", MARK + MARK + self.text.encode()))
        resumed = self.train("old", *MODEL, "--max-steps", 9, "--corpus", self.folder / "marked.txt", "--resume")
        straight = self.train("straight", *MODEL, "--max-steps", 9, "--corpus", self.folder / "twice.txt")
        self.assertEqual(program.parameter_hash(resumed), program.parameter_hash(straight))
        losses = [json.loads(program.run("eval", resumed, "--corpus", self.folder / name, "--json").stdout)
                  for name in ("marked.txt", "twice.txt")]
        self.assertEqual(losses[0]["loss"], losses[1]["loss"])


class Unknown(Texts):
    def test_the_share_is_said(self):
        source = random.Random(3)
        text = "".join(chr(0x4E00 + int(source.paretovariate(0.6)) % 5000) for _ in range(20_000))
        path = self.file("zh.txt", text.encode())
        split = 16_000
        counts = Counter(text[:split])
        known = {c for c, count in counts.items() if count >= 3}
        unknown = [sum(c not in known for c in part) for part in (text[:split], text[split:])]
        result = program.run(*self.train_words("zh", *MODEL, "--corpus", path))
        shares = [f"{100 * unknown[0] / split:.1f} %", f"{100 * unknown[1] / 4000:.1f} %"]
        told = (f"{shares[0]} of the text" if shares[0] == shares[1] else
                f"{shares[0]} of the training text and {shares[1]} of the validation text")
        self.assertIn(f"vocabulary  {len(known) + 2:,} symbols; {len(known):,} of {len(set(text)):,} characters kept, "
                      f"{told} unknown", result.stdout)
        self.assertRegex(result.stdout, r"warning: .* of the text is unknown: .*--min-freq \(3\)")
        folder = self.folder / "runs/zh"
        for part, targets in (("validation", text[split + 1:]), ("train", text[1:split]), ("all", text[1:])):
            result = program.run("eval", folder, "--corpus", path, "--part", part, "--json")
            found = json.loads(result.stdout)
            self.assertEqual(found["characters"], len(targets))
            self.assertEqual(found["unknown_characters"], sum(c not in known for c in targets))
            self.assertAlmostEqual(found["unknown_share"], found["unknown_characters"] / len(targets))
            self.assertIn("of the characters are unknown to ", result.stderr)
        line = program.run("eval", folder, "--corpus", path, ranks=2).stdout
        self.assertIn(f"19,999 characters, {100 * sum(c not in known for c in text[1:]) / 19_999:.1f} % of them unknown (all,", line)

    def test_nothing_is_said_of_nothing(self):
        result = program.run(*self.train_words("full", *MODEL, "--full-vocabulary"))
        self.assertRegex(result.stdout, r"(?m)^vocabulary  \d+ symbols$")
        found = json.loads(program.run("eval", self.folder / "runs/full", "--corpus", self.corpus, "--json").stdout)
        self.assertEqual((found["unknown_characters"], found["unknown_share"]), (0, 0))
        result = program.run(*self.train_words("few", *MODEL))
        self.assertRegex(result.stdout, r"characters kept, 0\.\d+ % of the (training )?text")
        self.assertNotIn("warning", result.stdout + result.stderr)


class Reading(Texts):
    def test_pipes_are_refused(self):
        os.mkfifo(self.folder / "pipe")
        for path in (self.folder / "pipe", "/dev/null", "/dev/zero", "-"):
            self.assertRegex(self.refuse(path), "is not a regular file; copy the text into one|No such file")

    def test_unreadable_on_one_rank_is_an_error_on_all(self):
        self.assertIn("No such file", self.refuse(self.folder / "missing", ranks=2))

    def test_it_can_be_stopped_on_any_rank(self):
        """While rank 0 reads a text that takes seconds, and the others wait."""
        piece = gzip.compress(os.urandom(1_000_000).hex().encode())
        path = self.file("large.gz", piece * 400)  # 800 MB
        for ranks, which in ((None, 0), (2, 0), (2, 1)):
            with program.Running(self.folder, *self.train_words(f"stopped{which}{ranks}", *MODEL, "--corpus", path),
                                 ranks=ranks) as running:
                reader, target = running.pid(0), running.pid(which)

                def reads():
                    for fd in os.listdir(f"/proc/{reader}/fd"):
                        with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                            if "charrnn_text" in os.readlink(f"/proc/{reader}/fd/{fd}"):
                                return True
                    return False
                program.wait_until(reads, "the reading to begin")
                os.kill(target, signal.SIGTERM)
                start = time.monotonic()
                self.assertEqual(running.wait(30), 75, running.stdout + running.stderr)
                print(f"{ranks or 1} rank(s), signal to rank {which}: ended after {time.monotonic() - start:.2f} s")
                self.assertIn("stopped by a signal", running.stderr)


class FetchCorpus(Texts):
    def fetch(self, *words, expect=0, **env):
        return program.run(*words, script="fetch_corpus", expect=expect, env=program.environment(**env))

    def test_what_comes_is_checked(self):
        source = program.SOURCE.parent / "shared/data"
        here = source.is_dir()
        for name, file in (("nietzsche", "nietzsche.txt"), ("shakespeare", "tinyshakespeare.txt")):
            wrong = self.file("wrong.txt", b"something else")
            result = self.fetch(name, self.folder, expect=65, CHARRNN_CORPUS_URL=f"file://{wrong}")
            self.assertIn("SHA-256", result.stderr)
            self.assertFalse((self.folder / f"{name}.txt").exists())
            self.assertEqual(list(self.folder.glob("*.part*")), [])
            if here:
                self.fetch(name, self.folder, CHARRNN_CORPUS_URL=f"file://{source / file}")
                self.assertEqual((self.folder / f"{name}.txt").read_bytes(), (source / file).read_bytes())
                self.assertIn("is there already", self.fetch(name, self.folder, CHARRNN_CORPUS_URL="file:///nowhere").stdout)

    def test_what_is_asked_wrongly(self):
        self.assertIn("nietzsche", self.fetch("--help").stdout)
        self.assertIn("there is no corpus 'bible'", self.fetch("bible", expect=2).stderr)
        self.fetch(expect=2)


if __name__ == "__main__":
    program.main()
