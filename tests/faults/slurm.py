"""What SLURM and its machines do to a job: train.sbatch on the cluster of cluster/slurm/one_machine, a rank on each node."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import bench as on
import program
from rows import Outcome, Row, dice

TOOL = program.SOURCE / "cluster" / "slurm" / "one_machine"
NODES = ("n1", "n2")
KILL_WAIT = 10  # as one_machine sets it
# A network of their own, so that another cluster on this machine does not have their ports. Names are found only where there
# is more than a loopback interface.
NETWORK = """
ip link set lo up
ip link add line1 type veth peer name line2
ip address add 10.231.8.1/24 dev line1
ip link set line1 up && ip link set line2 up && echo up
exec sleep infinity
"""


def why_not():
    if os.geteuid() != 0:
        return "needs root: it starts SLURM's daemons"
    missing = [tool for tool in ("slurmctld", "slurmd", "munged", "sbatch", "ip", "nsenter") if not shutil.which(tool)]
    return f"needs {', '.join(missing)}" if missing else None


class Cluster:
    """The cluster, started with the first job and stopped at the end."""

    running = None

    @classmethod
    def get(cls, bench):
        if cls.running is None:
            cls.running = cls(bench)
        return cls.running

    def __init__(self, bench):
        self.env = program.environment(TMPDIR=str(bench.root), OMPI_MCA_btl_tcp_if_include="lo", OMPI_MCA_oob_tcp_if_include="lo")
        network = subprocess.Popen(["unshare", "--net", "sh", "-c", NETWORK], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        bench.at_end.callback(network.wait)
        bench.at_end.callback(network.kill)
        assert network.stdout.readline() == b"up\n", "cannot make a network"
        self.prefix = ["nsenter", "--net", "-t", str(network.pid)]
        bench.at_end.callback(self.call, TOOL, "stop", check=False)
        # Daemons keep what they get as standard output open: a pipe would never end.
        subprocess.run([*self.prefix, TOOL, "start"], env=self.env, check=True, stdout=subprocess.DEVNULL,
                       timeout=on.PATIENCE)
        self.env["SLURM_CONF"] = self.call(TOOL, "conf")
        self.folder = Path(self.env["SLURM_CONF"]).parent

    def call(self, *words, check=True):
        return subprocess.run([*self.prefix, *map(str, words)], env=self.env, check=check, capture_output=True, text=True).stdout.strip()

    def daemon(self, name):
        """The process of slurmctld or slurmd.n1, slurmd.n2."""
        return int((self.folder / "run" / f"{name}.pid").read_text())

    def start_slurmd(self, node):
        """As one_machine does, after this node's has died."""
        inside = (f"hostname {node}; mount -t tmpfs -o size=50% shm /dev/shm; mount --bind '{self.folder}/hosts' /etc/hosts; "
                  f"exec slurmd -N {node}")
        subprocess.run([*self.prefix, "unshare", "--mount", "--uts", "--propagation", "private", "bash", "-c", inside], env=self.env,
                       check=True)

    def state(self, job):
        return re.search(r"JobState=(\w+)", self.call("scontrol", "show", "job", job))[1]


class Job:
    """The run, as a job of two nodes."""

    def __init__(self, bench, *more):
        self.bench = bench
        self.cluster = Cluster.get(bench)
        self.output = bench.folder / "out.txt"
        self.submit(*more)

    def submit(self, *more):
        words = self.bench.words(*more)
        said = self.cluster.call("sbatch", "--parsable", "--nodes", 2, "--ntasks-per-node", 1, "--output", self.output, "--chdir",
                                 self.bench.folder, program.SOURCE / "cluster/slurm/train.sbatch", *words)
        self.id = said.split(";")[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.cluster.call("scancel", "--full", "--signal", "KILL", self.id, check=False)
        self.cluster.call("scancel", self.id, check=False)
        on.wait_until(lambda: not self.cluster.call("squeue", "-h"), "an empty queue")

    def text(self):
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def ranks(self):
        """{rank: process}: those of this run."""
        found = {}
        for pid in program.all_processes():
            with contextlib.suppress(OSError):
                if str(self.bench.folder).encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and \
                        os.readlink(f"/proc/{pid}/exe") == str(program.PROGRAM.resolve()):
                    variables = dict(part.partition(b"=")[::2] for part in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
                    found[int(variables[b"SLURM_PROCID"])] = pid
        return found

    def wait_for(self, condition, what):
        def look():
            if condition():
                return True
            state = self.cluster.state(self.id)
            assert state not in ("FAILED", "NODE_FAIL", "BOOT_FAIL", "OUT_OF_MEMORY"), f"{state} before {what}: {self.text()[-400:]}"
            return False
        self.bench.wait_while_it_trains(look, what)

    def at_work(self, source):
        """The ranks, some steps into the run."""
        self.wait_for(lambda: len(self.ranks()) == 2, "both ranks")
        first = self.bench.told_step()
        last = min(first + source.randint(20, on.STEPS // 4), on.STEPS - 400)
        self.wait_for(lambda: self.bench.told_step() >= last, f"step {last}")
        return self.ranks()

    def starts(self):
        return on.first_steps(self.text())

    def finish(self):
        self.wait_for(lambda: self.cluster.state(self.id) == "COMPLETED", "the end of the job")
        self.bench.check_hash()
        on.clean(self.bench.run_folder)


# SLURM looks at time limits twice a minute, and the run must not be over by then. Validations change no bits.
SLOW = ("--validate-every", 4)


def interrupt(what, disturb, afterwards=lambda job: None, more=()):
    """`disturb(job, ranks)` ends the attempt; `afterwards(job)` comes when the ranks have ended. The job starts again by
    itself. `more`: further options of the run."""
    def inject(bench, number):
        with Job(bench, *more) as job:
            ranks = job.at_work(dice(what, number))
            begin = time.monotonic()
            disturb(job, ranks)
            seconds = on.seconds_until(lambda: on.gone(ranks.values()), "the ranks to end", begin)
            told = bench.told_step()
            afterwards(job)
            job.wait_for(lambda: len(job.starts()) > 1, "the next start")
            lost = told - job.starts()[1]
            job.finish()
        return Outcome(seconds, lost)
    return inject


def preempt(job, _):
    job.cluster.call("sbatch", "--nodes", 2, "--exclusive", "--partition", "high", "--output", "/dev/null", "--wrap", "true")


def requeue(job, _):
    job.cluster.call("scontrol", "requeue", job.id)


def end_its_time(job, _):
    job.cluster.call("scontrol", "update", f"JobId={job.id}", "TimeLimit=1")  # its signal comes a minute before the end: now


def give_time(job):
    on.wait_until(lambda: job.cluster.state(job.id) == "PENDING", "the job to be queued again")
    job.cluster.call("scontrol", "update", f"JobId={job.id}", "TimeLimit=60")


def kill_rank(_, ranks):
    on.kill(ranks[1])


def lose_node(job, _):
    """Everything on a node dies at once, SLURM's daemons as well."""
    slurmd = job.cluster.daemon("slurmd.n2")
    space = os.readlink(f"/proc/{slurmd}/ns/uts")
    for pid in program.all_processes():
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/ns/uts") == space:
                on.kill(pid)
    on.wait_until(lambda: on.gone([slurmd]), "slurmd to end")


def bring_node_back(job):
    job.cluster.start_slurmd("n2")


def lose_controller(job, ranks):
    """It does not answer when a rank dies and the job wants to be queued again."""
    os.kill(job.cluster.daemon("slurmctld"), signal.SIGSTOP)
    on.kill(ranks[1])


def bring_controller_back(job):
    try:
        on.wait_until(lambda: "ended with code" in job.text(), "the end of the attempt")
        time.sleep(12)  # how long it stays away: longer than scontrol waits for an answer
    finally:
        os.kill(job.cluster.daemon("slurmctld"), signal.SIGCONT)


def suspend(bench, number):
    with Job(bench) as job:
        ranks = job.at_work(dice("suspend", number))
        job.cluster.call("scontrol", "suspend", job.id)
        on.wait_until(lambda: all((program.stat_of(pid) or "Z")[0] == "T" for pid in ranks.values()), "the suspension")
        time.sleep(on.DEADLINE + 2)  # how long it lasts
        job.cluster.call("scontrol", "resume", job.id)
        job.finish()
        assert job.starts() == [0], f"started again: {job.text()[-400:]}"
    return Outcome(lost=0)


def cancel(bench, number):
    with Job(bench) as job:
        ranks = job.at_work(dice("cancel", number))
        job.cluster.call("scancel", job.id)
        seconds = on.seconds_until(lambda: on.gone(ranks.values()), "the ranks to end")
        lost = bench.told_step() - bench.saved_step()
        on.wait_until(lambda: job.cluster.state(job.id) == "CANCELLED", "the job to be over")
        on.wait_until(lambda: not job.cluster.call("squeue", "-h"), "an empty queue")
        job.submit()
        job.finish()
    return Outcome(seconds, lost)


AGAIN = "queued again by itself; ends with the hash of the undisturbed run"
ROWS = [
    Row("preemption", "a job of a higher partition", interrupt("preempt", preempt), AGAIN, 0, 3, 2.0, why_not),
    Row("requeue", "`scontrol requeue`", interrupt("requeue", requeue), AGAIN, 0, 3, 2.0, why_not),
    Row("time limit", "a minute is left", interrupt("time limit", end_its_time, give_time, SLOW), AGAIN, 0, 3, needs=why_not),
    Row("suspension", f"`scontrol suspend`, {on.DEADLINE + 2} s, `resume`; `--timeout {on.DEADLINE}`", suspend,
        "goes on in the same attempt; the hash of the undisturbed run", 0, 3, needs=why_not),
    Row("cancelled, and submitted again", "`scancel`", cancel, "ends with the hash of the undisturbed run", 0, 3, 2.0, why_not),
    Row("kill -9 of a rank", "rank 1 of two", interrupt("rank", kill_rank), AGAIN, 0, 3, on.DEADLINE + 4, why_not),
    Row("node lost", "kill -9 of slurmd, its step daemons and the rank; slurmd starts again when the ranks have ended",
        interrupt("node", lose_node, bring_node_back), AGAIN, 0, 3, on.DEADLINE + KILL_WAIT, why_not),
    Row("controller away when a rank dies", "SIGSTOP of slurmctld, for 12 s after the attempt",
        interrupt("controller", lose_controller, bring_controller_back), AGAIN, 0, 3, needs=why_not),
]
