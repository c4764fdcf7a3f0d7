"""Processes that die at once, as by the kernel when memory runs out, or with their node."""
import time

import bench as on
import program
from rows import Outcome, Row, dice


def under_launch_run(bench, number, fault, choose):
    """Kills what `choose` names, once to three times in the life of a run under launch/run."""
    source = dice(fault, number)
    ranks = source.choice((2, 2, 3))
    kills = source.randint(1, 3)
    moments = sorted(source.randint(1, on.STEPS // 2) for _ in range(kills))
    seconds, lost = [], []
    with program.Running(bench.folder, "-np", ranks, "--restarts", kills, *bench.words(), script="run") as running:
        last = 0
        for i, moment in enumerate(moments):
            if last == on.STEPS:
                break  # the ranks, which live on without their mpirun for a moment, came to the end
            # A restart begins some steps earlier: those that were told of before it do not count.
            on.wait_until(lambda: len(on.first_steps(running.stdout)) == i + 1, "the restart")
            bench.reach(max(moment, last + 1), running)
            victims = on.all_ranks(running, ranks)
            victim = choose(running, victims, source)
            on.spin(source.random() * 0.005)
            before = bench.told_step()
            on.kill(victim)
            start = time.monotonic()
            seconds.append(on.seconds_until(lambda: on.gone([*victims.values(), victim]), "all ranks to end", start))
            last = bench.told_step()
            on.wait_until(lambda: len(on.first_steps(running.stdout)) > i + 1 or running.process.poll() is not None, "the restart")
            starts = on.first_steps(running.stdout)
            assert len(starts) > i + 1, f"no restart: {running.stderr[-400:]}"
            lost.append(max(before, last) - starts[i + 1])
        code = bench.exit_code(running)
        assert code == 0, f"launch/run ended with {code}: {running.stderr[-400:]}"
        assert not running.members(), "processes are left"
    bench.check_hash()
    on.clean(bench.run_folder)
    assert list(program.losses(bench.run_folder)) == list(range(1, on.STEPS + 1)), "metrics.jsonl has not every step once"
    return Outcome(max(seconds), max(lost))


def a_rank(bench, number):
    return under_launch_run(bench, number, "rank", lambda _, ranks, source: ranks[source.randrange(len(ranks))])


def its_mpirun(bench, number):
    return under_launch_run(bench, number, "mpirun", lambda running, *_: on.mpirun_of(running))


def other_ranks(bench, number):
    """By hand: every time it is resumed by another number of ranks."""
    source = dice("other ranks", number)
    counts = source.sample((1, 2, 3, 4), 3)
    seconds, lost, last = [], [], 0
    for ranks in counts:
        told = last
        with program.Running(bench.folder, *bench.words("--resume"), ranks=ranks) as running:
            victims = on.all_ranks(running, ranks)
            bench.reach(min(told + source.randint(1, 400), on.STEPS - 100), running)
            on.kill(victims[source.randrange(ranks)])
            start = time.monotonic()
            seconds.append(on.seconds_until(lambda: on.gone(victims.values()), "all ranks to end", start))
            code = running.wait(on.PATIENCE)
            assert code not in (0, 2, 65, 70), f"ended with {code}: {running.stderr[-400:]}"
        last = bench.told_step()
        lost.append(last - bench.saved_step())
    bench.finish(source.choice((1, 2, 3)))
    on.clean(bench.run_folder)
    return Outcome(max(seconds), max(lost))


def a_save(bench, number):
    """While rank 0 writes a checkpoint."""
    source = dice("save", number)
    with program.Running(bench.folder, *bench.words("--save-every", 2), ranks=2) as running:
        victims = on.all_ranks(running, 2)
        bench.reach(source.randint(2, 200), running)
        on.wait_for_save(bench.run_folder)
        on.kill(victims[0])
        seconds = on.seconds_until(lambda: on.gone(victims.values()), "all ranks to end")
        running.wait(on.PATIENCE)
    told = bench.told_step()
    lost = told - bench.saved_step()
    bench.finish()
    on.clean(bench.run_folder)
    return Outcome(seconds, lost)


SAME = f"ends with the hash of the undisturbed run; a checkpoint every {on.SAVE_EVERY} steps"
ROWS = [
    Row("kill -9 of a random rank, once to three times a run", "`launch/run -np 2` and `-np 3`, at a random moment", a_rank, SAME, 3, 50),
    Row("kill -9 of mpirun, once to three times a run", "the same; the ranks live on for a moment", its_mpirun, SAME, 2, 50),
    Row("kill -9 of a random rank, three times, then resumed on another number of ranks", "`mpirun -np 1` to `4`", other_ranks, SAME, 2, 10),
    Row("kill -9 of rank 0 while it writes a checkpoint", "when its temporary file is there; a checkpoint every 2 steps", a_save,
        "ends with the hash of the undisturbed run; nothing half-written is taken for a checkpoint", 2, 10),
]
