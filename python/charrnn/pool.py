"""Trainings side by side."""
import os
import signal
import subprocess
import tempfile
import time

from charrnn.processes import Signals, start

ERROR = "charrnn_dist: error: "


def last_error(said):
    """The line that tells most of what the program wrote to standard error."""
    lines = [line for line in said.splitlines() if line.strip()] or [""]
    return ([line for line in lines if line.startswith(ERROR)] or lines)[-1].removeprefix(ERROR)


class Training:
    """One start of the program; once it has ended: seconds, code, and how it failed or None."""

    def __init__(self, job, slot, words, env):
        self.job, self.slot, self.began = job, slot, time.monotonic()
        self.said = tempfile.TemporaryFile()
        self.process = start(words, stdout=subprocess.DEVNULL, stderr=self.said, env=env)

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


class Pool(Signals):
    """So many trainings at once, each with cores or a GPU of its own.

        pool = Pool(program, at_once=4, cores=8)
        for training in pool.run([(job, words), …]): …      # in the order in which they end
        if pool.stopped: …                                  # by a signal; what ran has saved
    """

    def __init__(self, program, at_once, cores, threads=None, gpus=()):
        """`threads` of a training; None: its share of the cores. `gpus`: the names that CUDA_VISIBLE_DEVICES has for them."""
        super().__init__()
        self.program, self.at_once, self.cores, self.threads, self.gpus = program, at_once, cores, threads, gpus
        self.running = []

    def share(self, jobs):
        """The threads of each of so many."""
        return self.threads or max(1, self.cores // min(self.at_once, jobs))

    def run(self, jobs):
        waiting, threads = list(jobs), self.share(max(1, len(jobs)))
        while self.running or waiting and not self.stopped:
            while waiting and not self.stopped and len(self.running) < self.at_once:
                self.start(*waiting.pop(0), threads)
            self.act_on(signal.sigwait(self.watched), self)
            for training in [one for one in self.running if one.has_ended()]:
                self.running.remove(training)
                yield training

    def start(self, job, words, threads):
        slot = min(set(range(self.at_once)) - {training.slot for training in self.running})
        env = dict(os.environ, OMP_NUM_THREADS=str(threads))
        if self.gpus:
            env["CUDA_VISIBLE_DEVICES"] = self.gpus[slot % len(self.gpus)]
        self.running.append(Training(job, slot, [self.program, *words], env))

    def stop(self):
        self.tell(signal.SIGUSR1)

    def end(self):
        self.tell(signal.SIGKILL)

    def suspend(self):
        self.tell(signal.SIGSTOP)

    def go_on(self):
        self.tell(signal.SIGCONT)

    def tell(self, number):
        for training in self.running:
            training.process.send_signal(number)
