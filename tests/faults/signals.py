"""Signals that ask the program to stop, to everything they may reach, at every stage: how long it takes to end."""
import signal
import time

import bench as on
import program
from rows import Outcome, Row, dice
from stages import STAGES

PROMISE = 2.0  # seconds from the signal to the last rank's end
KILL_WAIT = 2.0  # seconds until mpirun kills the ranks that are left when one has ended without a word
MPIRUN_WAITS = 1.0  # seconds until mpirun, told to end, tells its ranks; after another one it kills them
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP)
TARGETS = ("a rank", "mpirun", "launch/run")  # 4 and 3 have no common divisor: twelve injections are all pairs


def start(bench, stage, target):
    if target == "launch/run":
        return program.Running(bench.folder, "-np", 2, *stage.words(bench), script="run")
    return program.Running(bench.folder, *stage.words(bench), ranks=2)


def victims_of(stage, running):
    """The ranks, waited for; with "it starts" the first that is there is enough."""
    if stage.reached.__name__ == "begins":
        on.wait_until(lambda: on.ranks_of(running), "a rank")
        return on.ranks_of(running)
    return on.all_ranks(running, 2)


def send(running, target, victims, number):
    pid = {"a rank": max(victims.items())[1], "mpirun": on.mpirun_of(running), "launch/run": running.process.pid}[target]
    on.kill(pid, number)


def fine_codes(stage, target, number):
    """75; but mpirun itself ends with 1 when it is told to stop, and a process that has just begun dies of the signal, as
    does `sample`, which has nothing to save."""
    codes = {75}
    if not stage.is_job:
        codes |= {1, 128 + number, -number}
    if target == "mpirun" and number != signal.SIGUSR1:
        codes |= {1, 128 + number, -number}
    if stage.reached.__name__ == "begins" and target != "launch/run":
        codes |= {1, 128 + number, -number}
    return codes


def stop(stage):
    def inject(bench, number):
        source = dice(stage.name, number)
        what, target = STOPPING[number % len(STOPPING)], TARGETS[number % len(TARGETS)]
        with start(bench, stage, target) as running:
            victims = victims_of(stage, running)
            stage.wait(bench, running, 2, victims)
            time.sleep(source.random() * stage.dice)  # not to wait for anything: any moment of the stage
            assert running.process.poll() is None, f"ended before the signal: {running.stderr[-300:]}"
            send(running, target, victims, what)
            seconds = on.seconds_until(lambda: not on.ranks_of(running), "every rank to end")
            if target == "mpirun" and what != signal.SIGUSR1:
                seconds = max(0, seconds - MPIRUN_WAITS)
            code = running.wait(on.PATIENCE)
            on.wait_until(lambda: not running.members(), "every process to end")
            assert code in fine_codes(stage, target, what), \
                f"{what.name} to {target}: exit code {code} after {seconds:.1f} s: {running.stderr[-300:]}"
        lost = None
        if stage.trains:
            lost = bench.told_step() - bench.saved_step()
            assert lost <= 0, f"{what.name} to {target}: {lost} steps were not saved"
            on.clean(bench.run_folder)
        return Outcome(seconds, lost, note=f"slowest: {what.name} to {target}")
    return inject


def second_interrupt(stage):
    """Two Ctrl-C in quick succession: the second ends it at once."""
    def inject(bench, number):
        target = TARGETS[number % len(TARGETS)]
        with start(bench, stage, target) as running:
            victims = victims_of(stage, running)
            stage.wait(bench, running, 2, victims)
            send(running, target, victims, signal.SIGINT)
            time.sleep(0.05 * (number % 4))  # a person's fingers
            send(running, target, victims, signal.SIGINT)
            begin = time.monotonic()
            running.wait(on.PATIENCE)
            seconds = on.seconds_until(lambda: not running.members(), "every process to end", begin)
        if (bench.run_folder / "checkpoints").exists():
            on.check_checkpoints(bench.run_folder)
        return Outcome(seconds)
    return inject


def early(bench, number):
    """launch/run itself has just begun: there is no rank yet that could hear."""
    source = dice("early", number)
    what = STOPPING[number % len(STOPPING)]
    with program.Running(bench.folder, "-np", 2, *bench.words("--max-steps", 1_000_000), script="run") as running:
        on.spin(source.random() * 0.6)
        on.kill(running.process.pid, what)
        begin = time.monotonic()
        code = running.wait(on.PATIENCE)
        seconds = on.seconds_until(lambda: not running.members(), "every process to end", begin)
        assert code in (75, 128 + what, -what), f"{what.name}: exit code {code}: {running.stderr[-300:]}"
    return Outcome(seconds)


HOW = "to a rank, mpirun, launch/run"
ROWS = [
    # Until the last rank has ended, without the second that mpirun waits before it tells its ranks.
    Row("INT, TERM, USR1, HUP in the first 0.6 s", "to launch/run", early, "ends; nothing is left running", 3, 40, PROMISE),
    *(Row(f"INT, TERM, USR1, HUP while {stage.name}", HOW, stop(stage),
          ("exit 75 (1 from an mpirun that was told)" if stage.is_job else "ends") +
          ("; the last step is saved" if stage.trains else ""), 3, 12, PROMISE)
      for stage in STAGES),
    *(Row(f"INT twice within 0.2 s while {stage.name}", HOW, second_interrupt(stage), "ends, with the ranks that are left when mpirun kills them; every checkpoint is whole", 1, 6, KILL_WAIT + 0.5)
      for stage in STAGES),
]
