"""Checkpoints that somebody made to do harm, each with the SHA-256 that fits: wrong types, ranks and sizes, links out of
the file, data that would fill the memory. The program refuses them with exit code 65 and one clean line (or never looks at
the part), within seconds and within its usual memory, and nothing of another file comes out.

    hostile.py                   one process reads all of the files; each command of the program gets some of them
    hostile.py --every-command   inspect, sample, eval, --resume and --init-from get all of them
"""
import hashlib
import re
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MODEL = ["--columns", 4, "--bptt", 12, "--model", "lstm", "--hidden", 8, "--embedding", 4]
READER = program.PROGRAM.parent / "tests" / "read_checkpoints"
MEMORY = 4 << 30  # of addresses: LibTorch's libraries take most of them
SECONDS = 20  # the machine may be busy; each takes about 0.1 s
SECRET = b"TOPSECRET-password-hunter2-" * 400
every_command = False
ESCAPE = "\x1b]0;OWNED\x07\x9b2J"

# Attributes that came later, and may be missing.
ADDED = ("@processor", "/progress@best_step", "/progress@validations_since_best", "/progress@skipped_steps",
         "/progress@skipped_in_a_row", "/progress@validated_step")
# How far down a reader gets before it meets the attribute or dataset: sample reads the description and the model.
ONLY_RESUMED = ("/optimizer", "/hidden", "/history", "/validations")


def seal(path):
    contents = bytearray(path.read_bytes())
    block = b"charrnn_dist 1\nsha256 " + hashlib.sha256(contents[512:]).hexdigest().encode() + b"\n"
    contents[:512] = block.ljust(512, b"\0")
    path.write_bytes(contents)


def split(name):
    """The object and the attribute of "/data@row"."""
    owner, _, attribute = name.partition("@")
    return owner or "/", attribute


def all_attributes(file):
    found = [f"@{key}" for key in file.attrs]
    file.visititems(lambda name, thing: found.extend(f"/{name}@{key}" for key in thing.attrs))
    return found


def all_datasets(file):
    found = []
    file.visititems(lambda name, thing: found.append(f"/{name}") if isinstance(thing, h5py.Dataset) else None)
    return found


def all_groups(file):
    found = []
    file.visititems(lambda name, thing: found.append(f"/{name}") if isinstance(thing, h5py.Group) else None)
    return found


def attribute_faults(name, value):
    """Ways to spoil one attribute: {what: the change, made to the attributes of its owner}."""
    key = split(name)[1]
    is_text = isinstance(value, (bytes, str))
    element = np.bytes_(b"A" * 8) if is_text else np.int64(0x4141414141414141) if isinstance(value, np.int64) else 1e300

    def replaced(new, **how):
        def change(attributes):
            del attributes[key]
            attributes.create(key, new, **how)
        return change

    compound = np.zeros((), [("a", "<i8"), ("b", "<f8")])
    faults = {f"array of {n}": replaced(np.full(n, element)) for n in (2, 16, 1000)}
    faults |= {"integer in place of text": replaced(np.int64(7))} if is_text else {"text": replaced(np.bytes_(b"7"))}
    if isinstance(value, np.int64):
        faults |= {"float": replaced(1.0), "32 bits": replaced(np.int32(1)), "big-endian": replaced(np.array(1, ">i8"))}
    if isinstance(value, np.float64):
        faults |= {"32 bits": replaced(np.float32(1)), "integer": replaced(np.int64(1)), "NaN": replaced(np.nan)}
    if is_text:
        faults |= {"long": replaced(np.bytes_(b"A" * 60_000))}
    return faults | {
        "missing": lambda attributes: attributes.__delitem__(key), "compound": replaced(compound),
        "empty": replaced(h5py.Empty("<i8")), "variable length": replaced("x", dtype=h5py.string_dtype()),
        "list of variable-length texts": replaced(["x"] * 1000, dtype=h5py.string_dtype()),
        "one of four dimensions": replaced(np.full((1, 1, 1, 1), element))}


def dataset_faults(folder):
    """Ways to spoil one dataset: {what: the change, made to its group with the name and the dataset that is there}."""
    secret = folder / "secret"

    def created(shape, dtype, **how):
        def change(group, key, old):
            del group[key]
            group.create_dataset(key, shape(old), dtype(old), **how)
        return change

    def same(what):
        return lambda old: getattr(old, what)

    def sized(elements):
        return lambda old: (elements,)


    def external(group, key, old):
        del group[key]
        group.create_dataset(key, old.shape, old.dtype, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])

    def virtual(group, key, old):
        layout = h5py.VirtualLayout(old.shape or (1,), old.dtype)
        layout[...] = h5py.VirtualSource(str(folder / "other.h5"), "x", old.shape or (1,), old.dtype)
        del group[key]
        group.create_virtual_dataset(key, layout)

    def bomb(group, key, old):
        del group[key]
        group.create_dataset(key, (1 << 26,), "<f4", chunks=(1 << 22,), compression="gzip", fillvalue=0)[...] = 0

    def linked(link):
        def change(group, key, old):
            del group[key]
            group[key] = link
        return change

    def to_group(group, key, old):
        del group[key]
        group.create_group(key)

    def user_type(group, key, old):
        values = old[()]
        del group[key]
        group.file["a_type"] = old.dtype if old.dtype.kind != "O" else np.dtype("<f4")
        group.create_dataset(key, data=values, dtype=group.file["a_type"])

    def sparse(group, key, old):
        shape = old.shape if all(old.shape) and old.shape else (1,)
        del group[key]
        group.create_dataset(key, shape, old.dtype, chunks=shape)

    faults = {
        "one more dimension": created(lambda old: (*old.shape, 1), same("dtype")),
        "2^32 elements": created(sized(1 << 32), same("dtype"), chunks=(1 << 16,)),
        "2^40 elements": created(sized(1 << 40), same("dtype"), chunks=(1 << 16,)),
        "2^62 elements": created(lambda old: (1 << 31, 1 << 31), same("dtype"), chunks=(256, 256)),
        "huge chunks": created(sized(4), same("dtype"), chunks=(1 << 20,), maxshape=(None,)),
        "int64": created(same("shape"), lambda old: "<i8"), "float64": created(same("shape"), lambda old: "<f8"),
        "texts of variable length": created(same("shape"), lambda old: h5py.string_dtype()),
        "long texts": created(same("shape"), lambda old: "S100000"),
        "compound": created(same("shape"), lambda old: [("a", "<f4"), ("b", "<i8")]),
        "no elements": created(sized(0), same("dtype")), "null": lambda group, key, old: (
            group.__delitem__(key), group.create_dataset(key, data=h5py.Empty("<f4"))),
        "nothing stored": sparse, "gzip bomb": bomb, "external storage": external, "virtual": virtual,
        "external link": linked(h5py.ExternalLink(str(folder / "other.h5"), "/x")),
        "soft link": linked(h5py.SoftLink("/model/e.weight")), "hanging link": linked(h5py.SoftLink("/nowhere")),
        "missing": lambda group, key, old: group.__delitem__(key), "group": to_group, "user-defined type": user_type}
    return faults


# The files that all of the program meets; the others are read by READER, within one process.
PROGRAM_RUNS = {
    ("/model/e.weight", "external storage"): ("inspect", "sample", "eval", "resume", "init-from"),
    ("/model/e.weight", "external link"): ("sample", "resume"), ("/model/e.weight", "virtual"): ("sample", "init-from"),
    ("/model/l_out.bias", "2^40 elements"): ("inspect", "sample", "eval", "resume", "init-from"),
    ("/vocabulary", "2^40 elements"): ("sample", "resume"), ("/config", "long texts"): ("sample", "resume"),
    ("/hidden/h", "2^32 elements"): ("resume",), ("/hidden/h", "missing"): ("resume",), ("/hidden/h", "external storage"): ("resume",),
    ("/optimizer/exp_avg/e.weight", "external storage"): ("resume",), ("/history", "gzip bomb"): ("resume",)}

# Numbers that no training writes.
NUMBERS = {
    "@step": [-1, -2**63, 2**62], "@epoch": [-1, 2**62], "@cycle": [-1, 2**62], "@format_version": [0, 2, -1],
    "/optimizer@step": [-1, 2**62], "/data@row": [-1, 2**62], "/data@columns": [-1, 2**62], "/data@bptt": [-1, 2**62],
    "/data@train_characters": [-1, 2**62], "/vocabulary@unknown": [-2, 2**40], "/vocabulary@padding": [-2, 2**40],
    "/vocabulary@lowercase": [2, -1], "/vocabulary@bytes": [7], "/vocabulary@full": [-3], "/vocabulary@min_freq": [-1],
    "/progress@loss_sum": [np.inf, -1.0, np.nan], "/progress@characters": [np.inf, -1.0],
    "/progress@smoothed_loss": [np.inf], "/progress@smoothed_weight": [-np.inf], "/progress@seconds": [np.inf, -1.0],
    "/progress@best_val_loss": [np.nan], "/progress@best_step": [-1, 10], "/progress@skipped_steps": [-1, 2**62],
    "/progress@skipped_in_a_row": [-1], "/progress@validations_since_best": [-2**63],
    "/progress@validated_step": [-1, 2**62],
    "/optimizer/groups/0@lr": [np.inf, -1.0],
    "/model_config@layers": [0, -1, 201, 2**40, 2**62], "/model_config@hidden": [0, -1, 65_536, 65_537, 2**62],
    "/model_config@embedding": [0, 65_536, 2**62], "/model_config@dropout": [-0.5, 1.0, np.nan, np.inf],
    "/model_config@window": [-1, 2**62], "/model_config@locked_dropout": [2]}

# What stands in /config, for files of 0.4.0 too: (pattern, replacement).
CONFIGS = [("layers = 1", "layers = 0"), ("layers = 1", "layers = 9000000000000000000"), ("hidden = 8", "hidden = 65536"),
           ("embedding = 4", "embedding = 2000000"), ('model = "lstm"', 'model = "nonsense"'),
           ("window = 0", "window = 9000000000000000000"), ("columns = 4", "columns = 0"), ("[data]", "[data"),
           ("columns = 4", 'columns = "four"'), ('predict = "every"', 'predict = "\\u001b[2J"'), ("seed = 1", "seed = -5")]


class Hostile(program.TestCase):
    characters = 2000

    def setUp(self):
        super().setUp()
        self.run_folder = self.train("run", *MODEL, "--max-steps", 9, "--save-every", 6)
        self.good = self.run_folder / "checkpoints" / "step_6.h5"
        with h5py.File(self.good) as file:
            self.attributes = {name: file[split(name)[0]].attrs[split(name)[1]] for name in all_attributes(file)}
            self.datasets, self.groups = all_datasets(file), all_groups(file)
            self.config = file["config"][()]
        (self.folder / "secret").write_bytes(SECRET)
        with h5py.File(self.folder / "other.h5", "w") as other:
            other["x"] = np.frombuffer(SECRET[:4096], "<f4")
        self.jobs, self.count, self.slowest = [], 0, 0.0

    # Families of files: each is a change of the good one.

    def make(self, what, change, source=None):
        """A file with `change` made to it through h5py, sealed anew."""
        self.count += 1
        path = self.folder / f"evil_{self.count}.h5"
        shutil.copy(source or self.good, path)
        with h5py.File(path, "r+", libver=("earliest", "v110")) as file:
            change(file)
        seal(path)
        return path

    def limited(self, words):
        """Runs the program with little memory and a short time; (exit code or signal, output)."""
        start = [sys.executable, "-c", "import os, resource, sys\n"
                 f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
                 "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\nos.execv(sys.argv[1], sys.argv[1:])"]
        begin = time.monotonic()
        try:
            result = subprocess.run([*start, *program.command(*words)], capture_output=True, env=program.environment(),
                                    stdin=subprocess.DEVNULL, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "time-out", b""
        self.slowest = max(self.slowest, time.monotonic() - begin)
        return result.returncode, result.stdout + result.stderr

    def commands(self, path, which):
        fresh = self.folder / f"{which}_{path.stem}"
        new_run = ["--corpus", self.corpus, "--run-dir", fresh, "--name", "victim", "--threads", 1]
        return {
            "inspect": ["inspect", path], "json": ["inspect", path, "--json"],
            "sample": ["sample", "--checkpoint", path, "--length", 5],
            "eval": ["eval", "--checkpoint", path, "--corpus", self.corpus, "--threads", 1],
            "resume": ["train", "--resume", path, *new_run, "--max-steps", 7],
            "init-from": ["train", "--init-from", path, *new_run, *MODEL, "--max-steps", 1]}[which]

    def expect(self, what, path, which, codes=(65,)):
        self.jobs.append((what, path, which, codes))
        if which == "read" and every_command:
            self.jobs.append((what, path, "inspect", codes))
            # Who does not look at the damaged part may go on.
            self.jobs += [(what, path, command, (0, 65)) for command in ("sample", "eval", "resume", "init-from")]

    def read_all(self):
        """What "read" gives for the files that are to be read, {path: (exit code or signal, output)}."""
        paths = [path for _, path, which, _ in self.jobs if which == "read"]
        if not READER.exists():  # of another version of the program
            return {path: self.limited(self.commands(path, "inspect")) for path in paths}
        lines = subprocess.run([READER, str(MEMORY)], input="".join(f"{path}\n" for path in paths).encode(),
                               capture_output=True, env=program.environment(), check=True).stdout.split(b"\n")
        self.assertEqual(len(lines), len(paths) + 1)
        outputs = [line.rpartition(b"\t") for line in lines[:-1]]
        return {path: (int(code), b"error:" + output) for path, (output, _, code) in zip(paths, outputs)}

    def run_jobs(self):
        """All that were expected, some at a time."""
        was_read = self.read_all()

        def one(job):
            what, path, which, codes = job
            code, output = was_read[path] if which == "read" else self.limited(self.commands(path, which))
            problems = []
            if code not in codes:
                problems.append(f"exit code {code}")
            if b"TOPSECRET" in output:
                problems.append("tells the secret")
            if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", output) and which != "sample":
                problems.append("control characters")
            if code == 65 and (str(path).encode() not in output or output.count(b"error:") != 1):
                problems.append("no single line that names the file")
            return [f"{which}, {what}: {'; '.join(problems)}: {output[-300:]!r}"] if problems else []
        with ThreadPoolExecutor(max_workers=2) as pool:
            failed = [line for lines in pool.map(one, self.jobs) for line in lines]
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
        print(f"{len(self.jobs)} runs on {self.count} files, the longest {self.slowest:.1f} s, none with more than {peak} MB", file=sys.stderr)
        self.assertEqual(len(failed), 0, "\n" + "\n".join(failed))

    def test_good_file(self):
        """The harness itself: the same limits let good files through, also those that h5py has touched."""
        touched = self.make("touched", lambda file: None)
        for path in (self.good, touched):
            for which in ("inspect", "json", "sample", "eval", "resume", "init-from"):
                self.expect("good", path, which, codes=(0,))
        self.run_jobs()

    def test_attributes(self):
        for number, (name, value) in enumerate(self.attributes.items()):
            owner, _ = split(name)
            for what, change in attribute_faults(name, value).items():
                # Some may be missing: they are optional additions.
                fine = what == "missing" and (owner == "/model_config" or name in ADDED)
                path = self.make(what, lambda file, change=change: change(file[owner].attrs))
                self.expect(f"{name}: {what}", path, "read", codes=(0, 65) if fine else (65,))
                if what == "array of 1000" and number % 6 == 0:
                    self.expect(f"{name}: {what}", path, "resume")
                    if not owner.startswith(ONLY_RESUMED):
                        self.expect(f"{name}: {what}", path, "sample")
        self.run_jobs()

    def test_datasets(self):
        wanted = ("/config", "/vocabulary", "/history", "/validations", "/hidden/h", "/model/e.weight", "/model/l_out.bias",
                  "/optimizer/exp_avg/e.weight")
        for name in wanted:
            owner, key = name.rsplit("/", 1)
            for what, change in dataset_faults(self.folder).items():
                if (name, what) in (("/history", "no elements"), ("/validations", "no elements"), ("/validations", "missing")):
                    continue  # nothing is wrong with it
                path = self.make(what, lambda file, change=change: change(file[owner or "/"], key, file[name]))
                # Which states it needs only the model of a resumed run knows.
                fine = (name, what) == ("/hidden/h", "missing")
                self.expect(f"{name}: {what}", path, "read", codes=(0,) if fine else (65,))
                for which in PROGRAM_RUNS.get((name, what), ()):
                    self.expect(f"{name}: {what}", path, which)
        self.run_jobs()

    def test_groups(self):
        def replaced(link):
            def change(file, name):
                del file[name]
                if link is None:
                    file.create_dataset(name, (4,), "<f4")
                elif link != "missing":
                    file[name] = link
            return change
        for name in self.groups:
            for what, link in {"dataset": None, "missing": "missing", "soft link": h5py.SoftLink("/model"),
                               "external link": h5py.ExternalLink(str(self.folder / "other.h5"), "/")}.items():
                # Which buffers it needs only the optimizer of a resumed run knows.
                is_buffer = name.startswith("/optimizer/exp_avg")
                fine = what == "missing" and (name in ("/model_config", "/optimizer/groups/0") or is_buffer)
                path = self.make(what, lambda file, change=replaced(link): change(file, name))
                self.expect(f"{name}: {what}", path, "read", codes=(0,) if fine else (65,))
                if is_buffer:
                    self.expect(f"{name}: {what}", path, "resume")
        for group in ("hidden", "optimizer", "optimizer/groups"):
            def crowd(file):
                for i in range(3000):
                    file[group].create_group(f"zz{i}")
            self.expect(f"{group}: crowded", self.make("crowd", crowd), "read")
        self.run_jobs()

    def test_numbers(self):
        for name, values in NUMBERS.items():
            owner, key = split(name)
            for value in values if name in self.attributes else ():
                path = self.make(f"{name} = {value}", lambda file: file[owner].attrs.modify(
                    key, np.int64(value) if isinstance(value, int) else np.float64(value)))
                self.expect(f"{name} = {value}", path, "read")
                which = {"@step": "resume", "/data@row": "resume", "/model_config@layers": "sample"}.get(name)
                if which:
                    self.expect(f"{name} = {value}", path, which)
        # In range, and yet not this run's: only who goes on with it can tell.
        for name, value in (("/data@columns", 5), ("/data@row", 1)):
            owner, key = split(name)
            path = self.make(f"{name} = {value}", lambda file: file[owner].attrs.modify(key, np.int64(value)))
            self.expect(f"{name} = {value}", path, "resume")
        for columns in (3, 5, 160):
            def other_columns(file):
                for state in ("h", "c"):
                    del file["hidden"][state]
                    file["hidden"].create_dataset(state, data=np.zeros((1, columns, 8), "<f4"))
            self.expect(f"hidden states of {columns} columns", self.make("hidden", other_columns), "resume")
        self.run_jobs()

    def test_contents(self):
        def text(key, value):
            return lambda file: file.attrs.create(key, np.bytes_(value))
        for value in (ESCAPE.encode(), b"\xff\xfe\x80", b"\xc3"):
            for key in ("arch", "created_utc", "program_version", "processor"):
                path = self.make(key, text(key, value))
                for which in ("inspect", "json"):
                    self.expect(f"{key} = {value!r}", path, which, codes=(0,))
        for pattern, replacement in CONFIGS:
            config = self.config.decode()
            self.assertIn(pattern, config)

            def configured(file):
                del file["config"]
                value = config.replace(pattern, replacement, 1).encode()
                file.create_dataset("config", data=np.bytes_(value))
                if "model_config" in file:
                    del file["model_config"]
            path = self.make(pattern, configured)
            self.expect(f"config {replacement!r}", path, "read")
            for which in ("resume", "init-from"):
                self.expect(f"config {replacement!r}", path, which, codes=(65,))
        for what, symbols in {"twice": ["<unk>", "<pad>", "a", "a"], "not UTF-8": [b"<unk>", b"<pad>", b"\xff"],
                              "two characters": ["<unk>", "<pad>", "ab"], "escape": ["<unk>", "<pad>", "\x1b[2J"],
                              "one": ["<unk>"]}.items():
            def spelt(file):
                kept = dict(file["vocabulary"].attrs)
                del file["vocabulary"]
                file.create_dataset("vocabulary", data=np.array(
                    [s.encode() if isinstance(s, str) else s for s in symbols], "S8"))
                file["vocabulary"].attrs.update(kept)
            self.expect(f"vocabulary {what}", self.make(what, spelt), "read")
        # One dataset by many names.
        def many_names(file):
            file["hidden"].create_dataset("big", data=np.ones((1, 100, 200), "<f4"))
            for i in range(5):
                file["hidden"][f"big{i}"] = file["hidden/big"]
        self.expect("many names", self.make("names", many_names), "read")
        # What the model does not need is not looked at.
        def unneeded(file):
            file["model"].create_dataset("zz", (1 << 40,), "<f4", chunks=(1 << 16,))
            file["model"]["link"] = h5py.ExternalLink(str(self.folder / "other.h5"), "/x")
        path = self.make("unneeded", unneeded)
        for which in ("inspect", "sample", "eval", "resume", "init-from"):
            self.expect("unneeded tensors", path, which, codes=(0,))
        self.run_jobs()


if __name__ == "__main__":
    every_command = "--every-command" in sys.argv
    sys.argv[1:] = [word for word in sys.argv[1:] if word != "--every-command"]
    program.main()
