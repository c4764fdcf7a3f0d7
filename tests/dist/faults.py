"""Ranks that are killed or frozen while they work. The others must end within the deadline, with 75, naming rank,
step and collective, and who is missing. Ranks that are suspended together go on afterwards.

mpirun notices a dead rank by itself and kills the rest after about a second, so each rank also runs behind a keeper
that writes down its exit code and then stays: then nobody but the program can notice, as with a node that is cut off.
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

program = Path(os.environ["CHARRNN_BUILD"]) / "tests" / "endless_ranks"
mpirun = os.environ["CHARRNN_MPIRUN"]
TIMEOUT = 2  # as in endless_ranks.cpp
RANKS = 3
# Stays until the test opens the pipe; by then every rank that can end has ended.
KEEPER = """
"$0" "$1" 2>"$1/rank$OMPI_COMM_WORLD_RANK.err"
echo $? >"$1/part$OMPI_COMM_WORLD_RANK"
mv "$1/part$OMPI_COMM_WORLD_RANK" "$1/rank$OMPI_COMM_WORLD_RANK.code"
read -r _ <"$1/leave"
"""
LINE = re.compile(r"error: rank (\d+): (all_reduce_sum|barrier) \(call \d+\) failed at step (\d+) after (\d+\.\d) s: (.*)")


def wait_for(condition, seconds, what):
    """Looks at something that another process does; there is nothing to block on."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.01)


def is_gone(pid):
    """True for a process that has ended, its parent's wait for it still to come or not."""
    return not os.path.exists(f"/proc/{pid}/exe")


class Job:
    def __init__(self, folder, kept):
        self.folder = Path(folder)
        command = ["bash", "-c", KEEPER, program, folder] if kept else [program, folder]
        if kept:
            os.mkfifo(self.folder / "leave")
        self.errors = open(self.folder / "mpirun.err", "w+")
        self.mpirun = subprocess.Popen([mpirun, "-np", str(RANKS), *command], stdin=subprocess.DEVNULL,
                                       stdout=self.errors, stderr=self.errors)
        notes = [self.folder / f"rank{rank}.pid" for rank in range(RANKS)]
        wait_for(lambda: all(note.exists() for note in notes) or self.mpirun.poll() is not None, 60, "start")
        assert self.mpirun.poll() is None, f"mpirun ended at start: {self.text()}"
        self.pids = [int(note.read_text()) for note in notes]

    def text(self):
        return (self.folder / "mpirun.err").read_text()

    def code(self, rank):
        path = self.folder / f"rank{rank}.code"
        return int(path.read_text()) if path.exists() else None

    def close(self):
        for pid in getattr(self, "pids", []):
            try:  # a pid may be another's by now: only what still runs our program
                if os.readlink(f"/proc/{pid}/exe") == str(program):
                    os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        if self.mpirun.poll() is None:
            self.mpirun.terminate()
            try:
                self.mpirun.wait(10)
            except subprocess.TimeoutExpired:
                self.mpirun.kill()
                self.mpirun.wait()
        self.errors.close()


def check_survivors(job, victim, sent):
    others = [rank for rank in range(RANKS) if rank != victim]
    wait_for(lambda: all(is_gone(job.pids[rank]) for rank in others), TIMEOUT + 5, "the survivors' end")
    took = time.monotonic() - sent
    # The first to abort may have mpirun kill the others' keepers before they write the code down.
    wait_for(lambda: any(job.code(rank) is not None for rank in others), 5, "a survivor's exit code")
    for rank in others:
        assert job.code(rank) in (75, None), f"rank {rank} ended with {job.code(rank)}, not 75"
    said = [(rank, (job.folder / f"rank{rank}.err").read_text()) for rank in others]
    matches = [(rank, LINE.search(text)) for rank, text in said]
    assert any(match for _, match in matches), f"nobody says what happened: {said}"
    for rank, match in matches:
        if not match:  # the first to abort may take the others with it
            continue
        assert int(match[1]) == rank and int(match[3]) >= 100, match[0]
        assert TIMEOUT - 0.1 <= float(match[4]) <= TIMEOUT + 1, match[0]
        assert re.match(rf"ranks? ([0-9]+, )*{victim}(, [0-9]+)* did not arrive within the deadline", match[5]), match[0]
    # The first to end names the victim alone; later it is missing itself.
    assert any(match and match[5].startswith(f"rank {victim} did not") for _, match in matches), said
    assert took <= TIMEOUT + 3, f"took {took:.1f} s"
    return took


def kept_rank(number, victim):
    with tempfile.TemporaryDirectory() as folder:
        job = Job(folder, kept=True)
        try:
            sent = time.monotonic()
            os.kill(job.pids[victim], number)
            print(f"{number.name} to rank {victim}: the others were gone after "
                  f"{check_survivors(job, victim, sent):.1f} s")
        finally:
            job.close()


def plain_job(number, victim):
    with tempfile.TemporaryDirectory() as folder:
        job = Job(folder, kept=False)
        try:
            sent = time.monotonic()
            os.kill(job.pids[victim], number)
            job.mpirun.wait(TIMEOUT + 8)
            code = job.mpirun.returncode
            # mpirun reports the first end that it sees: the kill, or a survivor's 75.
            assert code in ((137,) if number == signal.SIGKILL else (75,)), f"mpirun ended with {code}: {job.text()}"
            if number == signal.SIGSTOP:
                assert f"s: rank {victim} did not arrive" in job.text(), job.text()
            wait_for(lambda: all(is_gone(pid) for pid in job.pids), 5, "the ranks' end")
            print(f"{number.name} to rank {victim} under mpirun alone: {code} after {time.monotonic() - sent:.1f} s")
        finally:
            job.close()


def is_suspended(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def suspended(seconds, apart, with_mpirun):
    """All ranks, as by SLURM's suspend or Ctrl-Z, one `apart` seconds after the other; they go on in the other order."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(folder, kept=False)
        try:
            pids = [job.mpirun.pid] * with_mpirun + job.pids
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
                wait_for(lambda pid=pid: is_suspended(pid), 5, "a stop")
                time.sleep(apart)
            time.sleep(seconds)
            for pid in reversed(pids):
                os.kill(pid, signal.SIGCONT)
                time.sleep(apart)
            (Path(folder) / "stop").touch()
            assert job.mpirun.wait(20) == 0, job.text()
            print(f"suspended for {seconds} s, {apart} s apart, mpirun {'too' if with_mpirun else 'not'}: goes on")
        finally:
            job.close()


def orderly_end():
    with tempfile.TemporaryDirectory() as folder:
        job = Job(folder, kept=False)
        try:
            (Path(folder) / "stop").touch()
            assert job.mpirun.wait(20) == 0, job.text()
        finally:
            job.close()


def frozen_at_the_end():
    """A rank that never comes to MPI_Finalize. The others are done, and end with their own exit code."""
    with tempfile.TemporaryDirectory() as folder:
        job = Job(folder, kept=True)
        try:
            (Path(folder) / "freeze1").touch()
            (Path(folder) / "stop").touch()
            others = (0, 2)
            wait_for(lambda: all(job.code(rank) is not None for rank in others), TIMEOUT + 5, "the others' end")
            assert [job.code(rank) for rank in others] == [0, 0], [job.code(rank) for rank in others]
            assert not is_gone(job.pids[1])
        finally:
            job.close()


def frozen_in_a_split():
    """At the start, in a call to MPI that blocks. The frozen rank's main thread, too, waits for it up to the deadline."""
    result = subprocess.run([mpirun, "-np", "4", program.parent / "frozen_split"], capture_output=True, text=True, timeout=30,
                            stdin=subprocess.DEVNULL)
    assert result.returncode == 75, f"mpirun ended with {result.returncode}: {result.stderr}"
    said = re.findall(r"error: rank (\d): comm_split \(call \d+\) failed at step 0 after (\d+\.\d) s: "
                      "the other ranks did not arrive within the deadline", result.stderr)
    assert {rank for rank, _ in said} & {"0", "1", "2"}, result.stderr
    assert all(TIMEOUT - 0.1 <= float(seconds) <= TIMEOUT + 1 for _, seconds in said), result.stderr


cases = [(orderly_end,), (frozen_at_the_end,), (frozen_in_a_split,)] + [(case, number, victim) for case in (kept_rank, plain_job)
                            for number in (signal.SIGKILL, signal.SIGSTOP) for victim in (0, 2)]
asleep = [(suspended, 3 * TIMEOUT, apart, with_mpirun) for apart in (0, TIMEOUT / 8) for with_mpirun in (False, True)]


def passes(case):
    function, *arguments = case
    try:
        function(*arguments)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        print(f"FAILED {function.__name__} {arguments}: {error}")
        return False
    return True


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    passed = [*map(passes, cases), *pool.map(passes, asleep)]
sys.exit(0 if all(passed) else 1)
