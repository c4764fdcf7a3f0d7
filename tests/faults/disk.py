"""File systems that take no more, for whatever reason, at every moment of a save."""
import contextlib
import re
import shutil
import subprocess
import time

import bench as on
import mounts
import program
from rows import Outcome, Row, dice

# A checkpoint is some 600 KB: this is room for four and for what the logs need.
DISK = 4 << 20
SAVE_EVERY = 100
LOGS = 400 << 10  # more than metrics.jsonl and the log come to
WAITS = "a warning that names the file and why; trains on, saves when it can again; exit 0 with the hash of the undisturbed run"
TO_ITS_END = "the same warning; trains to its end; exit 75; what has a checkpoint's name is whole; a resume ends with the hash of the " \
             "undisturbed run"


@contextlib.contextmanager
def disturbed(bench, ranks=2):
    """The run in the background, at work, with a checkpoint or more behind it."""
    with program.Running(bench.folder, *bench.words("--save-every", SAVE_EVERY), ranks=ranks) as running:
        bench.reach(SAVE_EVERY + 1, running)
        on.wait_until(lambda: program.files_of(bench.run_folder), "a checkpoint")
        yield running


def told_of(running, reason):
    said = running.stdout + running.stderr
    return "is not saved" in said and reason in said


def ended(bench, running, reason):
    """Checks the end of a run that could not save any more. Steps lost."""
    code = bench.exit_code(running)
    said = running.stdout + running.stderr
    assert code == 75 and told_of(running, reason), f"exit code {code}: {said[-400:]}"
    assert not running.members(), "processes are left"
    on.check_checkpoints(bench.run_folder)
    return on.STEPS - bench.saved_step()


def went_on(bench, running):
    code = bench.exit_code(running)
    assert code == 0, f"exit code {code}: {(running.stdout + running.stderr)[-400:]}"
    bench.check_hash()
    on.clean(bench.run_folder)


def wait_for_warning(bench, running, reason):
    bench.wait_while_it_trains(lambda: told_of(running, reason) or running.process.poll() is not None, "the warning")
    assert running.process.poll() is None, f"ended with {running.process.returncode}: {running.stderr[-400:]}"


def size_of_a_checkpoint(bench):
    return program.files_of(bench.run_folder)[-1].stat().st_size


def fill(bench, room):
    """Leaves so many bytes."""
    with (bench.run_folder / "filler").open("wb") as file:
        file.write(bytes(max(0, mounts.free_bytes(bench.run_folder) - room)))


def full_disk(bench, number, for_good):
    source = dice("full disk", number)
    with mounts.small_disk(bench.run_folder, DISK):
        with disturbed(bench, source.choice((1, 2))) as running:
            fill(bench, source.randint(0, size_of_a_checkpoint(bench)))
            if for_good:
                lost = ended(bench, running, "No space left")
            else:
                wait_for_warning(bench, running, "No space left")
                (bench.run_folder / "filler").unlink()
                went_on(bench, running)
                return Outcome(lost=0)
        (bench.run_folder / "filler").unlink()
        bench.finish()
        on.clean(bench.run_folder)
    return Outcome(lost=lost)


def killed_on_a_full_disk(bench, number):
    """The start after it cannot even take the folder, until there is room."""
    source = dice("killed on a full disk", number)
    with mounts.small_disk(bench.run_folder, DISK):
        with program.Running(bench.folder, "-np", 2, *bench.words("--save-every", SAVE_EVERY), script="run") as running:
            bench.reach(SAVE_EVERY + 1, running)
            on.wait_until(lambda: program.files_of(bench.run_folder), "a checkpoint")
            fill(bench, 0)
            on.kill(source.choice(list(on.all_ranks(running, 2).values())))
            on.wait_until(lambda: "ended with code 75; starting again" in running.stderr, "a start that finds the disk full")
            (bench.run_folder / "filler").unlink()
            went_on(bench, running)
    return Outcome()


def file_limit(bench, number):
    """A limit on the size of rank 0's files, somewhere within a checkpoint."""
    with disturbed(bench) as running:
        size = size_of_a_checkpoint(bench)
        assert size > LOGS, "a checkpoint is smaller than the logs"
        limit = dice("file limit", number).randint(LOGS, size - 1)
        subprocess.run(["prlimit", "--pid", str(running.pid(0)), f"--fsize={limit}"], check=True)
        lost = ended(bench, running, "File too large")
    bench.finish()
    on.clean(bench.run_folder)
    return Outcome(lost=lost)


def read_only(bench, number, for_good):
    """The checkpoints' folder, as a file system becomes when its disk fails."""
    with disturbed(bench) as running:
        with mounts.read_only(bench.run_folder / "checkpoints"):
            if for_good:
                lost = ended(bench, running, "Read-only file system")
            else:
                wait_for_warning(bench, running, "Read-only file system")
        if not for_good:
            went_on(bench, running)
            return Outcome(lost=0)
    bench.finish()
    on.clean(bench.run_folder)
    return Outcome(lost=lost)


def removed(what):
    """rm -rf, at a random moment or in the middle of a save."""
    def inject(bench, number):
        source = dice(what, number)
        folder = bench.run_folder if what == "run" else bench.run_folder / "checkpoints"
        with disturbed(bench, 2) as running:
            if number % 2:
                on.wait_for_save(bench.run_folder)
            else:
                bench.reach(bench.told_step() + source.randint(1, SAVE_EVERY), running)
            shutil.rmtree(folder, ignore_errors=True)  # what is written at the same moment may stay
            begin = time.monotonic()
            if what == "run":
                code = running.wait(on.PATIENCE)
                said = running.stdout + running.stderr
                assert code in (65, 75) and re.search("deleted|No such file", said), \
                    f"exit code {code}: {said[-400:]}"
                seconds = time.monotonic() - begin
            else:
                assert bench.exit_code(running) == 0, running.stderr[-400:]
                seconds = None
        if what == "run":
            shutil.rmtree(folder, ignore_errors=True)
            bench.finish()
        else:
            bench.check_hash()
        on.clean(bench.run_folder)
        return Outcome(seconds)
    return inject


def unwritable_start(bench, number):
    """From the beginning: nothing is started, and the reason is said."""
    place = bench.folder / "place"
    place.mkdir()
    with mounts.read_only(place):
        result = program.run(*bench.words("--run-dir", place), ranks=2, expect=2)
    assert "Read-only file system" in result.stderr, result.stderr
    return Outcome()


def for_a_while(inject):
    return lambda bench, number: inject(bench, number, False)


def for_good(inject):
    return lambda bench, number: inject(bench, number, True)


FULL = "disk full at a random byte of a checkpoint"
READ_ONLY = "checkpoints' folder becomes read-only"
TMPFS = f"tmpfs of {DISK >> 20} MB, filled up while it trains"
BIND = "read-only bind mount while it trains"
ROWS = [
    Row(f"{FULL}, then room again", TMPFS, for_a_while(full_disk), WAITS, 2, 10, needs=mounts.why_not),
    Row(f"{FULL}, for good", TMPFS, for_good(full_disk), TO_ITS_END, 2, 10, needs=mounts.why_not),
    Row("disk full when a rank is killed, then room again", f"{TMPFS}; under `launch/run`", killed_on_a_full_disk,
        "starts again, in vain while there is no room; exit 0 with the hash of the undisturbed run", 1, 10, needs=mounts.why_not),
    Row("file size limit within a checkpoint", "`prlimit --fsize` of rank 0 while it trains (SIGXFSZ)", file_limit, TO_ITS_END, 1, 10),
    Row(f"{READ_ONLY}, then writable again", BIND, for_a_while(read_only), WAITS, 1, 10, needs=mounts.why_not),
    Row(f"{READ_ONLY}, for good", BIND, for_good(read_only), TO_ITS_END, 1, 10, needs=mounts.why_not),
    Row("read-only folder at the start", "read-only bind mount", unwritable_start, "exit 2 with a line that says why; no folder is left",
        1, 3, needs=mounts.why_not),
    Row("run folder removed", "`rm -rf` at a random moment, or in a save", removed("run"),
        "exit 65 or 75 with a line that says so; a fresh start ends with the hash of the undisturbed run", 2, 10),
    Row("checkpoints' folder removed", "the same", removed("checkpoints"), "made anew; ends with the hash of the undisturbed run", 2, 10),
]
