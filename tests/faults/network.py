"""The line between two hosts: gone for a moment, for longer, for good."""
import re
import time

import bench as on
import hosts
import program
from rows import Outcome, Row, dice

# TCP sends again after 0.2, 0.4, 0.8 … s: a line that was away for one second is used again within two.
SHORT = 1.0


def run_on(two, bench, *more):
    # The agent starts the far half; the second rank lives there.
    return program.Running(bench.folder, *bench.words(*more), ranks=2, env=two.environment(), prefix=two.prefix())


def at_work(two, bench, running, source):
    def look():
        assert running.process.poll() is None, f"ended at its start: {running.stderr[-400:]}"
        return len(found := two.ranks()) == 2 and found
    ranks = on.wait_until(look, "both ranks")
    bench.reach(source.randint(1, on.STEPS // 4), running)
    return ranks


def for_a_moment(bench, number):
    with hosts.TwoHosts(bench.folder) as two, run_on(two, bench) as running:
        at_work(two, bench, running, dice("moment", number))
        two.cable("down")
        time.sleep(SHORT)  # how long it is away
        two.cable("up")
        code = bench.exit_code(running)
        assert code == 0, f"exit code {code}: {running.stderr[-400:]}"
    bench.check_hash()
    return Outcome(lost=0)


def until_they_ended(bench, number, comes_back):
    with hosts.TwoHosts(bench.folder) as two:
        with run_on(two, bench) as running:
            ranks = at_work(two, bench, running, dice("good", number))
            two.cable("down")
            seconds = on.seconds_until(lambda: on.gone(ranks.values()), "both ranks to end")
            said = "\n".join(path.read_text() for path in bench.run_folder.glob("log.rank*.txt")) + running.stderr
            assert re.search(r"\((call|collective) \d+\) failed at step \d+", said), f"nobody says what happened: {said[-400:]}"
            if comes_back:
                two.cable("up")
                code = running.wait(on.PATIENCE)
                assert code == 75, f"mpirun ended with {code}: {running.stderr[-400:]}"
        told = bench.told_step()
    lost = told - bench.saved_step()
    bench.finish()
    return Outcome(seconds, lost)


ROWS = [
    Row(f"line down for {SHORT:g} s", "two network namespaces with a rank each, `ip link set down`", for_a_moment,
        "exit 0 with the hash of the undisturbed run", 1, 10, needs=hosts.why_not),
    Row("line down, up again when both ranks have ended", f"the same, `--timeout {on.DEADLINE}`",
        lambda bench, number: until_they_ended(bench, number, True),
        "exit 75; a resume ends with the hash of the undisturbed run", 1, 10, on.DEADLINE + 4, hosts.why_not),
    Row("line down for good", "the same", lambda bench, number: until_they_ended(bench, number, False),
        "both ranks end and say why; a resume ends with the hash of the undisturbed run; mpirun itself waits for the line", 1, 10,
        on.DEADLINE + 4, hosts.why_not),
]
