"""Trainings side by side. All signals are blocked and waited for in one place, so that none is lost, whenever it comes."""
import os
import signal
import subprocess
import tempfile
import time

from charrnn.command_line import complain
from charrnn.processes import start

STOPS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1}
ENDS = {signal.SIGINT, signal.SIGTERM}  # the second time. A terminal that closes sends two SIGHUP
OTHERS = {signal.SIGCHLD, signal.SIGTSTP, signal.SIGCONT}
ERROR = "charrnn_dist: error: "


def last_error(said):
    """The line that tells most of what the program wrote to standard error."""
    lines = [line for line in said.splitlines() if line.strip()] or [""]
    return ([line for line in lines if line.startswith(ERROR)] or lines)[-1].removeprefix(ERROR)


class Training:
    """One start of the program; once it has ended: seconds, code, and how it failed or None."""

    def __init__(self, job, slot, words, signals, env):
        self.job, self.slot, self.began = job, slot, time.monotonic()
        self.said = tempfile.TemporaryFile()
        self.process = start(words, signals, stdout=subprocess.DEVNULL, stderr=self.said, env=env)

    def has_ended(self):
        code = self.process.poll()
        if code is None:
            return False
        self.seconds, self.code = time.monotonic() - self.began, code if code >= 0 else 128 - code
        with self.said as file:
            file.seek(0)
            said = last_error(file.read().decode(errors="replace"))
        self.failure = None if code == 0 else said if code > 0 and said else _how(code)
        return True


def _how(code):
    return f"killed by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with code {code}"


class Pool:
    """So many trainings at once, each with cores or a GPU of its own.

        pool = Pool(program, at_once=4, cores=8)
        for training in pool.run([(job, words), …]): …      # in the order in which they end
        if pool.stopped: …                                  # by a signal; what ran has saved
    """

    def __init__(self, program, at_once, cores, threads=None, gpus=()):
        """`threads` of a training; None: its share of the cores. `gpus`: the names that CUDA_VISIBLE_DEVICES has for them."""
        self.program, self.at_once, self.cores, self.threads, self.gpus = program, at_once, cores, threads, gpus
        self.stopped, self.ended_by, self.running = False, None, []
        # What is ignored, as nohup wants SIGHUP to be, stays ignored.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.watched = {one for one in STOPS | OTHERS if signal.getsignal(one) != signal.SIG_IGN}
        signal.pthread_sigmask(signal.SIG_BLOCK, self.watched)

    def share(self, jobs):
        """The threads of each of so many."""
        return self.threads or max(1, self.cores // min(self.at_once, jobs))

    def run(self, jobs):
        waiting, threads = list(jobs), self.share(max(1, len(jobs)))
        while self.running or waiting and not self.stopped:
            while waiting and not self.stopped and len(self.running) < self.at_once:
                self.start(*waiting.pop(0), threads)
            self.hear(signal.sigwait(self.watched))
            for training in [one for one in self.running if one.has_ended()]:
                self.running.remove(training)
                yield training

    def start(self, job, words, threads):
        slot = min(set(range(self.at_once)) - {training.slot for training in self.running})
        env = dict(os.environ, OMP_NUM_THREADS=str(threads))
        if self.gpus:
            env["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        self.running.append(Training(job, slot, [self.program, *words], self.watched, env))

    def hear(self, number):
        if number in ENDS and self.stopped:
            self.ended_by = number
            self.tell(signal.SIGKILL)
        elif number in STOPS:
            if number == signal.SIGINT:
                complain("==> Ctrl-C once more ends at once, without saving")
            if not self.stopped:
                self.tell(signal.SIGUSR1)
            self.stopped = True
        elif number == signal.SIGTSTP:
            self.tell(signal.SIGSTOP)
            if signal.SIGCONT not in signal.sigpending():  # it must not be lost
                os.kill(os.getpid(), signal.SIGSTOP)
        elif number == signal.SIGCONT:
            self.tell(signal.SIGCONT)

    def tell(self, number):
        for training in self.running:
            training.process.send_signal(number)
