"""Processes that stand still: one of them, which the others must notice, or all of them, which nobody may hold against them."""
import re
import signal
import time

import bench as on
import program
from rows import Outcome, Row, dice

LINE = re.compile(r"charrnn_dist: error: rank (\d+): (\w+) \(call \d+\) failed at step (\d+) after ([\d.]+) s")


def one_rank(bench, number):
    source = dice("one", number)
    ranks = source.choice((2, 3))
    frozen = source.randrange(ranks)
    with program.Running(bench.folder, *bench.words(), ranks=ranks) as running:
        victims = on.all_ranks(running, ranks)
        bench.reach(source.randint(1, on.STEPS // 2), running)
        on.kill(victims[frozen], signal.SIGSTOP)
        start = time.monotonic()
        code = running.wait(on.PATIENCE)
        seconds = time.monotonic() - start
        assert code == 75, f"exit code {code}: {running.stderr[-400:]}"
        noticed = LINE.findall(running.stderr)
        assert noticed and all(int(rank) != frozen for rank, *_ in noticed), f"nobody says what happened: {running.stderr[-400:]}"
        on.wait_until(lambda: on.gone(victims.values()), "the frozen rank to end")
    lost = bench.told_step() - bench.saved_step()
    bench.finish()
    return Outcome(seconds, lost)


def under_launch_run(bench, number):
    """A frozen rank and the restart after it."""
    source = dice("restart", number)
    with program.Running(bench.folder, "-np", 2, *bench.words(), script="run") as running:
        victims = on.all_ranks(running, 2)
        bench.reach(source.randint(1, on.STEPS // 2), running)
        on.kill(victims[source.randrange(2)], signal.SIGSTOP)
        start = time.monotonic()
        seconds = on.seconds_until(lambda: on.gone(victims.values()), "all ranks to end", start)
        told = bench.told_step()
        code = bench.exit_code(running)
        assert code == 0, f"exit code {code}: {running.stderr[-400:]}"
        lost = told - on.first_steps(running.stdout)[1]
    bench.check_hash()
    return Outcome(seconds, lost)


def stand_still(pids):
    return all((program.stat_of(pid) or "Z")[0] in "TZ" for pid in pids)


def suspend(pids, seconds):
    for pid in pids:
        on.kill(pid, signal.SIGSTOP)
    on.wait_until(lambda: stand_still(pids), "all to stand still")
    time.sleep(seconds)  # the suspension itself
    for pid in pids:
        on.kill(pid, signal.SIGCONT)


def all_ranks(bench, number, together=lambda running, ranks: ranks):
    """Longer than the deadline; then the run goes on as if nothing had been."""
    source = dice("all", number)
    with program.Running(bench.folder, *bench.words(), ranks=2) as running:
        victims = on.all_ranks(running, 2)
        bench.reach(source.randint(1, on.STEPS // 2), running)
        suspend(together(running, list(victims.values())), on.DEADLINE + 2)
        code = bench.exit_code(running)
        assert code == 0, f"exit code {code}: {running.stderr[-400:]}"
    bench.check_hash()
    return Outcome(lost=0)


def whole_job(bench, number):
    return all_ranks(bench, number, lambda running, ranks: [*running.members()])


def stop_key(target):
    """Ctrl-Z and `fg`, shorter than the deadline."""
    def inject(bench, number):
        source = dice("stop key", number)
        script = "run" if target == "launch/run" else None
        start = ["-np", 2] if script else []
        with program.Running(bench.folder, *start, *bench.words(), script=script, ranks=None if script else 2) as running:
            victims = on.all_ranks(running, 2)
            bench.reach(source.randint(1, on.STEPS // 2), running)
            # mpirun itself does not stop.
            pid, stopped = {"a rank": (victims[1], [victims[1]]), "mpirun": (on.mpirun_of(running), victims.values()),
                            "launch/run": (running.process.pid, [running.process.pid, *victims.values()])}[target]
            on.kill(pid, signal.SIGTSTP)
            on.wait_until(lambda: stand_still(stopped), "them to stand still")
            time.sleep(on.DEADLINE / 4)  # how long it stands still
            on.kill(pid, signal.SIGCONT)
            code = bench.exit_code(running)
            assert code == 0, f"exit code {code}: {running.stderr[-400:]}"
        bench.check_hash()
        return Outcome(lost=0)
    return inject


SAME = "exit 0 with the hash of the undisturbed run"
ROWS = [
    Row("SIGSTOP of one rank", f"`mpirun -np 2` and `-np 3`, `--timeout {on.DEADLINE}`, at a random moment", one_rank,
        "exit 75; the message names rank, collective and step; a resume ends with the hash of the undisturbed run", 2, 10,
        promise=on.DEADLINE + 4),
    Row("the same", "under `launch/run -np 2`", under_launch_run, f"starts again by itself; {SAME}", 1, 10, promise=on.DEADLINE + 4),
    Row("SIGSTOP of all ranks, and CONT", f"for {on.DEADLINE + 2} s, longer than `--timeout {on.DEADLINE}`", all_ranks, SAME, 1, 5),
    Row("SIGSTOP of the whole job with its mpirun, and CONT", "the same", whole_job, SAME, 1, 5),
    *(Row(f"TSTP and CONT to {target}", f"for {on.DEADLINE / 4:g} s", stop_key(target), SAME, 1, 5)
      for target in ("a rank", "mpirun", "launch/run")),
]
