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
FULL = "exit 75 or 65 with a line that names the file and why; what has a checkpoint's name is whole; once there is room a resume " \
       "ends with the hash of the undisturbed run"


def ended_well(bench, running, reason):
    """Checks how a run ended that could not save: told, not killed."""
    code = running.wait(on.PATIENCE)
    said = running.stderr + running.stdout
    assert code in (65, 75), f"exit code {code}: {said[-400:]}"
    assert re.search(reason, said), f"does not say why: {said[-400:]}"
    assert not running.members(), "processes are left"
    return said


@contextlib.contextmanager
def disturbed(bench, ranks, **how):
    """The run in the background, at work."""
    with program.Running(bench.folder, *bench.words("--save-every", SAVE_EVERY), ranks=ranks, **how) as running:
        bench.reach(SAVE_EVERY + 1, running)
        yield running


def full_disk(bench, number):
    """Leaves room for a random part of a checkpoint."""
    source = dice("full disk", number)
    with mounts.small_disk(bench.run_folder, DISK):
        filler = bench.run_folder / "filler"
        with disturbed(bench, source.choice((1, 2))) as running:
            newest = on.wait_until(lambda: program.files_of(bench.run_folder), "a checkpoint")[-1]
            room = source.randint(0, newest.stat().st_size)
            with filler.open("wb") as file:
                file.write(bytes(max(0, mounts.free_bytes(bench.run_folder) - room)))
            ended_well(bench, running, "No space left")
        on.check_checkpoints(bench.run_folder)
        filler.unlink()
        lost = bench.told_step() - bench.saved_step()
        bench.finish()
        on.clean(bench.run_folder)
    return Outcome(lost=lost)


def file_limit(bench, number):
    """A limit on the size of rank 0's files, somewhere within a checkpoint."""
    source = dice("file limit", number)
    with disturbed(bench, 2) as running:
        newest = on.wait_until(lambda: program.files_of(bench.run_folder), "a checkpoint")[-1]
        size = newest.stat().st_size
        limit = max(source.randint(0, size - 1), (bench.run_folder / "metrics.jsonl").stat().st_size + (100 << 10))
        assert limit < size, "the logs are larger than a checkpoint"
        subprocess.run(["prlimit", "--pid", str(running.pid(0)), f"--fsize={limit}"], check=True)
        ended_well(bench, running, "File too large")
    on.check_checkpoints(bench.run_folder)
    lost = bench.told_step() - bench.saved_step()
    bench.finish()
    on.clean(bench.run_folder)
    return Outcome(lost=lost)


def read_only(bench, number):
    """The checkpoints' folder, as a file system becomes when its disk fails."""
    with disturbed(bench, 2) as running:
        with mounts.read_only(bench.run_folder / "checkpoints"):
            ended_well(bench, running, "Read-only file system")
    on.check_checkpoints(bench.run_folder)
    lost = bench.told_step() - bench.saved_step()
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
                bench.reach(SAVE_EVERY + source.randint(2, SAVE_EVERY), running)
            shutil.rmtree(folder, ignore_errors=True)  # what is written at the same moment may stay
            begin = time.monotonic()
            if what == "run":
                ended_well(bench, running, "deleted|No such file|belongs to another attempt")
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


ROWS = [
    Row("disk full at a random byte of a checkpoint", f"tmpfs of {DISK >> 20} MB, filled up while it trains", full_disk, FULL, 3, 30,
        needs=mounts.why_not),
    Row("file size limit within a checkpoint", "`prlimit --fsize` of rank 0 while it trains (SIGXFSZ)", file_limit, FULL, 2, 20),
    Row("checkpoints' folder becomes read-only", "read-only bind mount while it trains", read_only, FULL, 1, 10, needs=mounts.why_not),
    Row("read-only folder at the start", "the same, before", unwritable_start, "exit 2 with a line that says why; no folder is left", 1, 3,
        needs=mounts.why_not),
    Row("run folder removed", "`rm -rf` at a random moment, or in a save", removed("run"),
        "exit 65 or 75 with a line that says so; a fresh start ends with the hash of the undisturbed run", 2, 20),
    Row("checkpoints' folder removed", "the same", removed("checkpoints"), "made anew; ends with the hash of the undisturbed run", 2, 20),
]
