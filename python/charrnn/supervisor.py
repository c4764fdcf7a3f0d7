"""Keeps a job going: starts mpirun, passes signals on to its ranks, and starts it again when a rank is lost.

    python supervisor.py RESTARTS MPIRUN [FLAG]... PROGRAM -- COMMAND [OPTION]...

launch/run is the only user, and starts it with the signals blocked. All its attempts have the same words, and CHARRNN_JOB tells
the program that they are one job.
"""
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from pathlib import Path

from charrnn.command_line import complain
from charrnn.processes import Signals, children_of, has_variable, mapped_files, start, state_of

FINAL = (0, 2, 65, 70)  # exit codes of the program that a restart cannot mend
INTERRUPTED = 75

REPEAT = 0.3  # seconds until ranks that may not have been there yet are told again that they shall stop
LOOK = 1.0  # seconds between looks at the ranks
LINGER = 15.0  # seconds that mpirun may take after its ranks here have ended
TERM_TO_KILL = 3.0
STARTED = 600.0  # seconds after which every rank has surely opened its neighbours' memory
UNSEEN = 30.0  # seconds after which an mpirun without ranks on this machine surely had some on others
LONG = 600.0  # seconds that an attempt lives if what broke it has nothing to do with its start
PAUSES = (0, 10, 60, 300)  # seconds before the first restart in a row, the second …


class Attempt:
    """One start of mpirun."""

    def __init__(self, words):
        self.began = time.monotonic()
        self.process = start(words)
        self.known = []  # ranks of this machine
        self.had_ranks = False
        self.gone_since = None
        self.lingered = False
        self.kill_at = None

    def tell(self, number):
        """mpirun passes USR1, TSTP (as STOP) and CONT on to all ranks, on every machine."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def ranks(self):
        return [pid for pid in children_of(self.process.pid) if has_variable(pid, "OMPI_COMM_WORLD_RANK")]

    def stop(self):
        """It is told again and again by Supervisor.run()."""

    def go_on(self):
        self.gone_since = None
        self.tell(signal.SIGCONT)

    def suspend(self):
        """Returns when the ranks of this machine have stopped. They may not have been there yet: then they are told again."""
        limit = time.monotonic() + 5
        while self.process.poll() is None and time.monotonic() < limit:
            self.tell(signal.SIGTSTP)
            ranks = self.ranks()
            if state_of(self.process.pid) == "T" or ranks and all(state_of(pid) == "T" for pid in ranks):
                return
            time.sleep(0.05)

    def end(self):
        """Without saving. mpirun may not answer either."""
        for pid in self.ranks():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.tell(signal.SIGTERM)
        self.kill_at = time.monotonic() + TERM_TO_KILL

    def look(self):
        """Ends an mpirun that does not end by itself."""
        now = time.monotonic()
        if self.kill_at is not None and now > self.kill_at:
            self.process.kill()
        if not any(state_of(pid) for pid in self.known):
            self.known = self.ranks()
        if self.known:
            self.had_ranks, self.gone_since = True, None
        elif self.had_ranks and not self.lingered:
            self.gone_since = self.gone_since or now
            if now - self.gone_since > LINGER:
                # It waits for a machine that cannot be reached any more.
                self.lingered = True
                self.process.kill()

    def outcome(self):
        """(exit code, how it ended) of the whole."""
        code = self.process.returncode
        if self.lingered:
            return INTERRUPTED, f"the ranks ended, but mpirun did not within {LINGER:.0f} s"
        number = -code if code < 0 else code - 128
        if 0 < number < signal.NSIG:
            return 128 + number, f"{'mpirun' if code < 0 else 'a rank'} was killed by signal {number} ({signal.strsignal(number)})"
        return code, f"ended with code {code}"


class NoAttempt:
    """What signals act on between two attempts."""

    def stop(self):
        pass

    end = suspend = go_on = stop


class Supervisor(Signals):
    def hear(self, attempt, seconds):
        """Waits so long for a signal, and acts on it."""
        caught = signal.sigtimedwait(self.watched, seconds)
        if caught:
            self.act_on(caught.si_signo, attempt)
        return caught is not None

    def run(self, words):
        """Starts mpirun once; the attempt when it has ended, or None if a signal came first."""
        while self.hear(NoAttempt(), 0):
            pass
        if self.stopped:
            return None
        attempt = Attempt(words)
        told, looked = 0, 0
        while attempt.process.poll() is None:
            if self.stopped and self.ended_by is None and time.monotonic() - told > REPEAT:
                attempt.tell(signal.SIGUSR1)
                told = time.monotonic()
            if time.monotonic() - looked > LOOK:
                attempt.look()
                looked = time.monotonic()
            self.hear(attempt, REPEAT if self.stopped else LOOK)
        return attempt

    def rest(self, seconds):
        """Returns when they are over, or a signal wants the job to stop."""
        end = time.monotonic() + seconds
        while not self.stopped and (left := end - time.monotonic()) > 0:
            self.hear(NoAttempt(), left)

    def keep_going(self, restarts, mpirun, command):
        """The exit code of the whole: the program's; 75 for whatever can be resumed; 128 + signal if ended by force."""
        quiet, done = True, 0  # restarts in a row
        while True:
            attempt = self.run([mpirun[0], *(["-q"] if quiet else []), *mpirun[1:], *command])
            if self.ended_by is not None:
                return 128 + self.ended_by
            if attempt is None:
                return INTERRUPTED
            lived = time.monotonic() - attempt.began
            had_ranks = attempt.had_ranks or lived > UNSEEN
            code, how = attempt.outcome()
            if code in FINAL:
                return code
            if self.stopped:
                # A rank that USR1 kills had not begun to train.
                if had_ranks and code not in (INTERRUPTED, 128 + signal.SIGUSR1):
                    complain(f"==> {how} before it had saved")
                return INTERRUPTED
            if code < 128 and code != INTERRUPTED and not had_ranks:
                # mpirun itself failed. While it is quiet it does not say why.
                if quiet:
                    quiet = False
                    continue
                how = f"mpirun could not start the ranks (exit code {code})"
                if done == 0:
                    complain(f"==> {how}")
                    return 2
            quiet = True
            if command[0] != "train":
                if code != INTERRUPTED:
                    complain(f"==> {how}")
                return code
            if lived > LONG:
                done = 0
            if done == restarts:
                complain(f"==> {how}; gave up after {done} restart{'' if done == 1 else 's'} in a row; go on with --resume")
                return INTERRUPTED
            pause = 0 if code >= 128 else PAUSES[min(done, len(PAUSES) - 1)]
            done += 1
            when = f" in {pause} s" if pause else ""
            complain(f"==> {how}; starting again from the newest checkpoint{when} ({done} of {restarts})")
            self.rest(pause)


def sweep_memory(folder=Path("/dev/shm")):
    """Removes the shared memory of killed ranks: Open MPI leaves it, some megabytes each time, until the next boot. A
    segment that a living rank has mapped stays; and a name that is gone would only matter while a job starts."""
    def is_old(path):
        with contextlib.suppress(OSError):
            status = path.lstat()
            return status.st_uid == os.getuid() and time.time() - status.st_mtime > STARTED
        return False

    host = socket.gethostname().partition(".")[0]
    old = {str(path) for path in folder.glob(f"vader_segment.{host}.*") if is_old(path)}
    for path in old - (mapped_files() if old else set()):
        with contextlib.suppress(OSError):
            os.unlink(path)


def main():
    supervisor = Supervisor()
    os.environ["CHARRNN_JOB"] = secrets.token_hex(8)
    sweep_memory()
    words = sys.argv[2:]
    split = words.index("--")
    return supervisor.keep_going(int(sys.argv[1]), words[:split], words[split + 1:])


if __name__ == "__main__":
    sys.exit(main())
