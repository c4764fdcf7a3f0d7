"""One long run on a real text that goes through what a weekend brings, without a person: ranks and mpirun killed, the job
suspended, its disk full, a batch job preempted, another number of ranks. Writes what happened, and the run's losses.

    tests/faults/weekend.py linux.txt --minutes 60 --output weekend.md -- --model lstm --hidden 512 …

What follows -- are options of `train`. Needs root and the packages of cluster/slurm/one_machine.
"""
import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "e2e")]
import bench as on  # noqa: E402
import mounts  # noqa: E402
import program  # noqa: E402
import slurm  # noqa: E402

RUN = program.SOURCE / "launch" / "run"
BATCH = program.SOURCE / "cluster" / "slurm" / "train.sbatch"
TIMEOUT = 20  # seconds, --timeout of the run
SUSPENDED = 3 * TIMEOUT
DISK = 260 << 20  # room for the checkpoints that are kept, and one that is being written


class Weekend:
    def __init__(self, arguments, disk):
        self.arguments = arguments
        self.disk = disk
        self.folder = disk / "runs" / "linux"
        self.words = ["train", "--corpus", Path(arguments.text).resolve(), "--run-dir", disk / "runs", "--name", "linux",
                      "--timeout", TIMEOUT, "--save-minutes", 1, *arguments.options, "--resume"]
        self.start = time.monotonic()
        self.events = []
        self.process = None
        self.out = (disk.parent / "screen.txt").open("ab")

    # What is seen of the run.

    def minutes(self):
        return (time.monotonic() - self.start) / 60

    def step(self):
        return max((event["step"] for event in program.metrics(self.folder, "step")), default=0)

    def attempts(self):
        """The first step of each, as the log tells it."""
        log = self.folder / "log.rank0.txt"
        lines = log.read_text(errors="replace").split("\n")[:-1] if log.exists() else []  # the last one may be torn
        found = []
        for line in lines:
            if " I charrnn_dist " in line:
                found.append(0)
            elif " I resuming " in line and " at step " in line and found:
                found[-1] = int(line.rsplit(" at step ", 1)[1].replace(",", ""))
        return found

    def tell(self, what, **more):
        self.events.append({"minute": self.minutes(), "what": what, **more})
        print(f"{self.minutes():6.1f} min  {what}  {more}", flush=True)

    def until(self, minute):
        """A weekend is made of waiting."""
        time.sleep(max(0, minute * self.arguments.minutes / 60 * 60 - (time.monotonic() - self.start)))

    def again(self, before, told, what, began):
        """Waits for the next attempt and tells what the event cost."""
        program.wait_until(lambda: len(self.attempts()) > before, f"the start after: {what}", 600)
        told_so_far = len(program.metrics(self.folder, "step"))
        program.wait_until(lambda: len(program.metrics(self.folder, "step")) > told_so_far, "its first steps", 600)
        self.tell(what, told=told, resumed=self.attempts()[-1], seconds=time.monotonic() - began)

    # What is done to it.

    def launch(self, ranks):
        self.process = subprocess.Popen([str(word) for word in [RUN, "-np", ranks, "--restarts", 30, *self.words]],
                                        stdout=self.out, stderr=subprocess.STDOUT, env=program.environment(),
                                        start_new_session=True)

    def members(self):
        return [pid for pid in program.all_processes() if self.is_member(pid)]

    def is_member(self, pid):
        with contextlib.suppress(OSError):
            return str(self.folder.parent).encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and pid != os.getpid()
        return False

    def ranks(self):
        return [pid for pid in self.members() if program.rank_of(pid) is not None]

    def mpirun(self):
        return [pid for pid in self.members() if b"mpirun" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]]

    def kill(self, choose, what):
        before, told, began = len(self.attempts()), self.step(), time.monotonic()
        on.kill(choose())
        self.again(before, told, what, began)

    def suspend(self):
        told, before = self.step(), len(self.attempts())
        ranks = self.ranks()
        for pid in ranks:
            on.kill(pid, signal.SIGSTOP)
        time.sleep(SUSPENDED)
        for pid in ranks:
            on.kill(pid, signal.SIGCONT)
        program.wait_until(lambda: self.step() > told, "steps after the suspension", 600)
        assert len(self.attempts()) == before, "the job started again"
        self.tell(f"all ranks suspended for {SUSPENDED} s (--timeout {TIMEOUT})", told=told, resumed=told)

    def fill_disk(self):
        filler, told = self.disk / "filler", self.step()
        with filler.open("wb") as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * (1 << 20))
                file.flush()
        log = self.folder / "log.rank0.txt"
        program.wait_until(lambda: "is not saved" in log.read_text(errors="replace"), "the warning of the full disk", 600)
        trained = self.step()
        filler.unlink()
        size = log.stat().st_size
        program.wait_until(lambda: " saved " in log.read_text(errors="replace")[size:], "a save after there is room again", 600)
        self.tell("disk full until a save had failed, then room again", told=told, resumed=trained)

    def stop(self):
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(600)
        self.tell(f"SIGTERM to launch/run: exit code {code}", told=self.step(), seconds=time.monotonic() - began)
        assert code == 75, code

    def batch(self, bench, minute_of_preemption, minute_of_end):
        """The same run as a job of one rank, preempted once and cancelled at the end."""
        cluster = slurm.Cluster.get(bench)
        before, told, began = len(self.attempts()), self.step(), time.monotonic()
        job = cluster.call("sbatch", "--parsable", "--nodes", 1, "--ntasks-per-node", 1, "--output",
                           self.disk.parent / "job.txt", BATCH, *self.words, "--threads", 2).split(";")[0]
        self.again(before, told, "the same run as a SLURM job of one rank", began)
        self.until(minute_of_preemption)
        before, told, began = len(self.attempts()), self.step(), time.monotonic()
        cluster.call("sbatch", "--nodes", 2, "--exclusive", "--partition", "high", "--output", "/dev/null", "--wrap",
                     "sleep 20")
        self.again(before, told, "preempted by a job of a higher partition for 20 s, queued again by itself", began)
        self.until(minute_of_end)
        began = time.monotonic()
        cluster.call("scancel", job)
        program.wait_until(lambda: not cluster.call("squeue", "-h"), "an empty queue", 600)
        self.tell("scancel", told=self.step(), seconds=time.monotonic() - began)

    def run(self, bench):
        source = random.Random(7)
        self.launch(2)
        program.wait_until(lambda: self.step() > 0, "the first steps", 600)
        for minute, what in ((4, "rank"), (8, "rank"), (11, "mpirun"), (14, "suspend"), (18, "rank"), (21, "disk"), (25, "rank")):
            self.until(minute)
            if what == "suspend":
                self.suspend()
            elif what == "disk":
                self.fill_disk()
            elif what == "mpirun":
                self.kill(lambda: self.mpirun()[0], "kill -9 of mpirun")
            else:
                self.kill(lambda: source.choice(self.ranks()), "kill -9 of a random rank")
        self.until(29)
        self.stop()
        self.batch(bench, 34, 39)
        before, told, began = len(self.attempts()), self.step(), time.monotonic()
        self.launch(2)
        self.again(before, told, "two ranks again under launch/run", began)
        self.until(60)
        if self.process.poll() is None:
            self.stop()
        else:
            self.tell(f"the run ended with {self.process.returncode}", told=self.step())

    def report(self):
        lines = ["| minute | what happened | step before | goes on from step | seconds until it trains again |", "|---|---|---|---|---|"]
        for event in self.events:
            seconds = f"{event['seconds']:.0f}" if "seconds" in event else ""
            lines.append(f"| {event['minute']:.1f} | {event['what']} | {event['told']:,} | "
                         f"{event['resumed']:,} | {seconds} |" if "resumed" in event else
                         f"| {event['minute']:.1f} | {event['what']} | {event['told']:,} | | {seconds} |")
        validations = [event for event in program.metrics(self.folder) if event.get("val_loss") is not None]
        lines += ["", "| step | validation loss |", "|---|---|"]
        lines += [f"| {event['step']:,} | {event['val_loss']:.4f} |" for event in validations]
        Path(self.arguments.output).write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--folder", type=Path, default=Path("weekend"), help="for the run, which stays there")
    parser.add_argument("--output", default="weekend.md")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    arguments = parser.parse_args(words[:end])
    arguments.options = words[end + 1:]
    mounts.enter_own_namespace()
    if reason := mounts.why_not() or slurm.why_not():
        sys.exit(reason)
    with on.Bench(long=True) as bench:
        folder = arguments.folder.resolve()
        folder.mkdir(parents=True)
        with mounts.small_disk(folder / "disk", DISK) as disk:
            weekend = Weekend(arguments, disk)
            try:
                weekend.run(bench)
            finally:
                weekend.report()
                subprocess.run(["cp", "-a", weekend.folder, folder / "run"], check=False)


if __name__ == "__main__":
    main()
