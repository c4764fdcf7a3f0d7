"""launch/run: no signal is lost, from its first moment on; Ctrl-Z stops all ranks; what mpirun has to say is said once; and
neither a rank nor an mpirun that hangs keeps it from ending."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MODEL = ["--columns", 6, "--bptt", 8, "--model", "gru", "--hidden", 24, "--epochs", 100_000]


class Launcher(program.TestCase):
    characters = 20_000

    def launch(self, name, *words, flags=("-np", 2), env=None):
        return program.Running(self.folder, *flags, *self.train_words(name, *MODEL, *words), script="run", env=env)

    def folder_of(self, name):
        return self.folder / "runs" / name

    @staticmethod
    def ranks(running):
        return [pid for pid in running.members() if program.rank_of(pid) is not None]

    # How far a start has come. Each is polled for, so the signal comes as early as it can in that stage.

    @staticmethod
    def words(running):
        """The command lines of all its processes."""
        for pid in running.members():
            with contextlib.suppress(OSError):
                yield Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")

    def stages(self, running):
        return {"script": lambda: True,
                "python": lambda: any(words[1:2] and words[1].endswith(b"/supervisor.py") for words in self.words(running)),
                "mpirun": lambda: any(words[0] == b"mpirun" for words in self.words(running)),
                "ranks": lambda: self.ranks(running),
                "handlers": lambda: any(program.catches(pid, signal.SIGUSR1) for pid in self.ranks(running))}

    def test_signals_at_every_stage_of_the_start(self):
        """The job stops, with 75; only before anything was started the signal may end the script itself."""
        for stage in ("script", "python", "mpirun", "ranks", "handlers"):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
                with self.subTest(stage=stage, number=number.name), self.launch(f"{stage}{number}") as running:
                    program.wait_until(self.stages(running)[stage], stage)
                    running.process.send_signal(number)
                    code = running.wait()
                    self.assertIn(code, (75, -number) if stage == "script" else (75,), running.stderr)
                    self.assertEqual(complaints(running), [])
                    program.wait_until(lambda: not running.members(), "all to be gone")  # of a script that was ended

    def test_signal_between_two_attempts(self):
        """A rank is killed; whenever the stop comes after that, nothing is started again for good."""
        for number in (signal.SIGTERM, signal.SIGHUP):
            name = f"between{number}"
            with self.launch(name, "--save-every", 2) as running:
                program.wait_for_step(self.folder_of(name), 10, running)
                os.kill(self.ranks(running)[0], signal.SIGKILL)
                program.wait_until(lambda: "starting again" in running.stderr, "the restart")
                running.process.send_signal(number)
                self.assertEqual(running.wait(), 75, running.stderr)
                self.assertEqual(running.members(), [])
                self.assertEqual(len(complaints(running)), 1, running.stderr)
                self.assertIn("a rank was killed by signal 9 (Killed)", running.stderr)

    def test_a_restart_of_a_resume(self):
        """It goes on from the newest checkpoint, not again from the one that the command names."""
        folder = self.train("run", *MODEL, "--save-every", 10, "--max-steps", 20)
        with self.launch("run", "--resume", folder / "checkpoints/step_10.h5", "--save-every", 10, "--max-steps", 100_000) as running:
            program.wait_for_step(folder, 60, running)
            os.kill(self.ranks(running)[0], signal.SIGKILL)
            program.wait_until(lambda: running.stdout.count("resuming  ") == 2, "the restart")
            program.wait_until(lambda: self.ranks(running), "its ranks")
            running.process.send_signal(signal.SIGTERM)
            self.assertEqual(running.wait(), 75, running.stderr)
            steps = [int(step.replace(",", "")) for step in re.findall(r"\nresuming .* at step ([\d,]+)", running.stdout)]
        self.assertEqual(steps[0], 10)
        self.assertGreaterEqual(steps[1], 40)

    def test_pauses_between_restarts(self):
        """The first restart comes at once. When mpirun cannot start the ranks of a restart, that is not the end; but the next
        one waits, and a signal ends the waiting."""
        mpirun = self.folder / "mpirun"
        mpirun.write_text(f"#!/bin/sh\n[ ! -e '{self.folder}/broken' ] || exit 1\nexec '{shutil.which('mpirun')}' \"$@\"\n")
        mpirun.chmod(0o755)
        with self.launch("run", env=program.environment(PATH=f"{self.folder}:{os.environ['PATH']}")) as running:
            program.wait_for_step(self.folder_of("run"), 5, running)
            (self.folder / "broken").touch()
            os.kill(self.ranks(running)[0], signal.SIGKILL)
            program.wait_until(lambda: "in 10 s (2 of 3)" in running.stderr, "the pause")
            stopped = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            self.assertEqual(running.wait(), 75, running.stderr)
            self.assertLess(time.monotonic() - stopped, 5)
            self.assertEqual([line for line in complaints(running) if line.startswith("==> ")], [
                "==> a rank was killed by signal 9 (Killed); starting again from the newest checkpoint (1 of 3)",
                "==> mpirun could not start the ranks (exit code 1); starting again from the newest checkpoint in 10 s (2 of 3)"])

    def test_a_rank_that_is_killed_after_a_signal(self):
        with self.launch("run") as running:
            program.wait_for_step(self.folder_of("run"), 5, running)
            time.sleep(2)  # launch/run looks at its ranks once a second
            ranks = self.ranks(running)
            for pid in ranks:
                os.kill(pid, signal.SIGSTOP)  # or they might save first
            running.process.send_signal(signal.SIGTERM)
            program.wait_until(lambda: not signal.SIGTERM in pending(running.process.pid), "it to be heard")
            os.kill(ranks[0], signal.SIGKILL)
            self.assertEqual(running.wait(), 75, running.stderr)
            self.assertIn("==> a rank was killed by signal 9 (Killed) before it had saved", complaints(running))

    def test_a_killed_launcher(self):
        """Its ranks save and end."""
        folder = self.folder_of("run")
        with self.launch("run") as running:
            program.wait_for_step(folder, 20, running)
            members = running.members()
            running.process.kill()
            running.wait()
            program.wait_until(lambda: not any(is_alive(pid) for pid in members), "all to end")
        with h5py.File(folder / "checkpoints" / "latest") as file:
            self.assertEqual(file.attrs["step"], max(program.losses(folder)))

    def test_a_command_that_is_killed(self):
        """What cannot be resumed says how it ended, and ends so."""
        self.train("run", *MODEL, "--max-steps", 2)
        words = ["sample", self.folder_of("run"), "--length", 100_000_000]
        with program.Running(self.folder, "-np", 1, *words, script="run") as running:
            rank = program.wait_until(lambda: self.ranks(running), "the rank")[0]
            os.kill(rank, signal.SIGKILL)
            self.assertEqual(running.wait(), 128 + signal.SIGKILL, running.stderr)
            self.assertIn("==> a rank was killed by signal 9 (Killed)", complaints(running))

    def test_a_folder_with_modules_of_the_same_names(self):
        (self.folder / "signal.py").write_text("raise RuntimeError('not yours')\n")
        result = subprocess.run(program.command("-np", 1, "train", "--help", script="run"), cwd=self.folder,
                                env=program.environment(), capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_what_is_not_installed(self):
        """A PATH without one of them: one line says what is missing."""
        for missing in ("mpirun", "python3"):
            tools = self.folder / f"no_{missing}"
            tools.mkdir()
            for tool in {tool.name: tool for path in ("/bin", "/usr/bin") for tool in Path(path).iterdir()}.values():
                if tool.name != missing:
                    (tools / tool.name).symlink_to(tool)
            env = program.environment(PATH=str(tools), CHARRNN_CACHE=str(self.folder / "none"))
            result = program.run("-np", 1, "train", "--help", script="run", env=env, expect=2)
            self.assertRegex(result.stderr, rf"^run: there is no {missing}: run launch/install, or install .*\n$")
        env = program.environment(CHARRNN_PROGRAM=str(self.folder / "none"))
        self.assertIn("there is no", program.run("train", "--help", script="run", env=env, expect=2).stderr)

    def test_a_clean_stop_is_quiet(self):
        folder = self.folder_of("run")
        with self.launch("run") as running:
            program.wait_for_step(folder, 20, running)
            running.process.send_signal(signal.SIGINT)
            self.assertEqual(running.wait(), 75, running.stderr)
            self.assertEqual(complaints(running), [])
            self.assertIn("stopped by a signal", running.stdout)
        with h5py.File(folder / "checkpoints" / "latest") as file:
            self.assertEqual(file.attrs["step"], max(program.losses(folder)))

    def test_the_second_ctrl_c_ends_at_once(self):
        with self.launch("run") as running:
            program.wait_for_step(self.folder_of("run"), 5, running)
            for pid in self.ranks(running):
                os.kill(pid, signal.SIGSTOP)  # or they might be faster
            running.process.send_signal(signal.SIGINT)
            program.wait_until(lambda: not signal.SIGINT in pending(running.process.pid), "the first to be heard")
            running.process.send_signal(signal.SIGINT)
            self.assertEqual(running.wait(20), 130, running.stderr)
            self.assertEqual(running.members(), [])

    def test_a_terminal_that_closes_hangs_up_twice(self):
        """The shell and the kernel both send SIGHUP. That is one wish to save and stop."""
        folder = self.folder_of("run")
        with self.launch("run") as running:
            program.wait_for_step(folder, 5, running)
            for _ in range(3):
                running.process.send_signal(signal.SIGHUP)
                program.wait_until(lambda: not signal.SIGHUP in pending(running.process.pid), "it to be heard")
            self.assertEqual(running.wait(), 75, running.stderr)
        self.assertTrue((folder / "checkpoints" / "latest").exists())

    def test_nohup(self):
        folder = self.folder_of("run")
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            running = self.launch("run")
        finally:
            signal.signal(signal.SIGHUP, before)
        with running:
            program.wait_for_step(folder, 5, running)
            running.process.send_signal(signal.SIGHUP)
            program.wait_for_step(folder, max(program.losses(folder)) + 50, running)
            running.process.send_signal(signal.SIGTERM)
            self.assertEqual(running.wait(), 75, running.stderr)

    def wait_for_rest(self, running, folder):
        """The last step that is told of, when everything has stood still for a second of looks."""
        still = []

        def look():
            states = {(program.stat_of(pid) or "?")[0] for pid in [running.process.pid, *self.ranks(running)]}
            told = max(program.losses(folder), default=0)
            if states != {"T"} or still and still[-1] != told:
                still.clear()
            still.append(told)
            return len(still) > 200
        program.wait_until(look, "all to stop")
        return still[-1]

    def test_ctrl_z_and_fg_at_once(self):
        """The second comes while launch/run is still busy with the first."""
        folder = self.folder_of("run")
        with self.launch("run") as running:
            for _ in range(10):
                program.wait_for_step(folder, max(program.losses(folder), default=0) + 5, running)
                running.process.send_signal(signal.SIGTSTP)
                program.wait_until(lambda: not signal.SIGTSTP in pending(running.process.pid), "it to be heard")
                running.process.send_signal(signal.SIGCONT)
                program.wait_until(lambda: not signal.SIGCONT in pending(running.process.pid), "it to be heard")
            program.wait_for_step(folder, max(program.losses(folder)) + 5, running)
            running.process.send_signal(signal.SIGTERM)
            self.assertEqual(running.wait(), 75, running.stderr)

    def test_ctrl_z(self):
        """All ranks stop, and launch/run as the shell expects; fg lets them go on."""
        folder = self.folder_of("run")
        for stage in ("mpirun", "handlers", "training"):
            with self.subTest(stage=stage), self.launch("run", "--resume") as running:
                before = max(program.losses(folder), default=0)
                if stage == "training":
                    program.wait_for_step(folder, before + 5, running)
                else:
                    program.wait_until(self.stages(running)[stage], stage)
                running.process.send_signal(signal.SIGTSTP)
                told = self.wait_for_rest(running, folder)
                running.process.send_signal(signal.SIGCONT)
                program.wait_for_step(folder, max(before, told) + 5, running)
                running.process.send_signal(signal.SIGTERM)
                self.assertEqual(running.wait(), 75, running.stderr)
                self.assertEqual(complaints(running), [])

    def test_what_mpirun_says_is_heard_once(self):
        env = program.environment(OMPI_MCA_plm_rsh_agent="/bin/false")
        result = program.run("--host", "nosuchhost", *self.train_words("run", *MODEL), script="run", expect=2, env=env)
        self.assertEqual(result.stderr.count("unable to reliably start"), 1, result.stderr)
        self.assertIn("mpirun could not start the ranks", result.stderr)
        self.assertFalse((self.folder / "runs").exists())

    def test_what_the_program_refuses_is_said_once(self):
        result = program.run("-np", 2, *self.train_words("run", "--layers", 0), script="run", expect=2)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_hosts(self):
        """A host file or a list of hosts says how many ranks there are."""
        hosts = self.folder / "hosts"
        hosts.write_text("localhost slots=3\n")
        for flags, ranks in ((["--hostfile", hosts], 3), (["--host", "localhost:2"], 2), (["-np", 1, "--hostfile", hosts], 1)):
            result = program.run(*flags, *self.train_words(f"{ranks}ranks", *MODEL, "--max-steps", 2), script="run")
            self.assertRegex(result.stdout, rf"\nranks +{ranks} x 1 ")

    def test_ranks_by_the_gpus_that_may_be_used(self):
        tool = self.folder / "nvidia-smi"
        tool.write_text("#!/bin/sh\nfor i in 0 1 2 3; do echo \"GPU $i: a GPU (UUID: GPU-$i)\"; done\n")
        tool.chmod(0o755)
        path = f"{self.folder}:{os.environ['PATH']}"
        for visible, ranks in ((None, 4), ("0,2,3", 3), ("1", 1), ("GPU-0,GPU-3", 2), ("0,1,2,3,4,5", 4),
                               ("", None), ("-1", None)):
            env = program.environment(PATH=path, **({"CUDA_VISIBLE_DEVICES": visible} if visible is not None else {}))
            result = program.run(*self.train_words(f"gpus{visible}", *MODEL, "--max-steps", 2, "--device", "cpu"), script="run",
                                 env=env)
            self.assertRegex(result.stdout, rf"\nranks +{ranks or min(len(os.sched_getaffinity(0)), 8)} x 1 ", visible)

    def test_leftovers_of_killed_ranks(self):
        """Open MPI's shared memory: old files that nobody has mapped go, all others stay."""
        host = socket.gethostname().partition(".")[0]
        files = {kind: Path(f"/dev/shm/vader_segment.{host}.{os.getuid()}.test{os.getpid()}.{kind}")
                 for kind in ("old", "young", "mapped")}
        for path in files.values():
            path.write_bytes(bytes(4096))
            self.addCleanup(path.unlink, missing_ok=True)
        for kind in ("old", "mapped"):
            os.utime(files[kind], (1_000_000, 1_000_000))
        script = "import mmap, sys; f = open(sys.argv[1], 'r+b'); m = mmap.mmap(f.fileno(), 0); print(flush=True); input()"
        with subprocess.Popen([sys.executable, "-c", script, files["mapped"]], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as user:
            user.stdout.readline()
            self.train("run", "--help", script="run")
            self.assertEqual([kind for kind, path in files.items() if path.exists()], ["young", "mapped"])
            user.stdin.close()


def complaints(running):
    """Lines on standard error, without the answers to a signal."""
    answers = ("charrnn_dist: stopping;", "charrnn_dist: stopped by a signal", "==> Ctrl-C once more")
    return [line for line in running.stderr.splitlines() if line and not line.startswith(answers)]


def is_alive(pid):
    return (program.stat_of(pid) or "Z")[0] != "Z"


def pending(pid):
    """Signals that have been sent to the process and not been looked at."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(status.split("ShdPnd:")[1].split()[0], 16) | int(status.split("SigPnd:")[1].split()[0], 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


class TwoMachines(program.TestCase):
    """Two network namespaces with host names of their own, and a wire between them that can be cut."""

    characters = 20_000

    def setUp(self):
        super().setUp()
        if not shutil.which("ip") or subprocess.run(["unshare", "--net", "--uts", "true"], capture_output=True).returncode:
            self.skipTest("no rights to make namespaces, or no `ip`")
        self.machines = [self.make_machine(f"node{number}") for number in (1, 2)]
        wire = [f"wire{os.getpid()}{end}" for end in "ab"]
        self.ip("link", "add", wire[0], "type", "veth", "peer", "name", wire[1])
        for number, (machine, end) in enumerate(zip(self.machines, wire), 1):
            self.ip("link", "set", end, "netns", machine, "name", "wire")
            for words in (["addr", "add", f"10.77.0.{number}/24", "dev", "wire"], ["link", "set", "wire", "up"],
                          ["link", "set", "lo", "up"]):
                self.ip(*words, machine=machine)
        self.agent = self.folder / "agent"
        self.agent.write_text(f"#!/bin/sh\nshift\nexec nsenter --target {self.machines[1]} --net --uts sh -c \"$*\"\n")
        self.agent.chmod(0o755)

    def make_machine(self, name):
        process = subprocess.Popen(["unshare", "--net", "--uts", "sh", "-c", f"hostname {name}; echo; exec sleep 10000"],
                                   stdout=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        self.addCleanup(self.end_machine, process)
        return process.pid

    @staticmethod
    def end_machine(process):
        network = os.readlink(f"/proc/{process.pid}/ns/net")
        for pid in program.all_processes():
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/ns/net") == network:
                    os.kill(pid, signal.SIGKILL)
        process.wait()

    def ip(self, *words, machine=None):
        prefix = ["nsenter", "--target", machine, "--net"] if machine else []
        subprocess.run([*map(str, prefix), "ip", *map(str, words)], check=True)

    def launch(self, *words):
        script = program.command("--restarts", 0, "--host", "node1:1,node2:1", *self.train_words("run", *MODEL, *words),
                                 script="run")
        output = (self.folder / "output").open("wb")
        self.addCleanup(output.close)
        return subprocess.Popen(["nsenter", "--target", str(self.machines[0]), "--net", "--uts", *script], stdout=output,
                                stderr=output, stdin=subprocess.DEVNULL,
                                env=program.environment(OMPI_MCA_plm_rsh_agent=str(self.agent)))

    def test_a_wire_that_is_cut_for_good(self):
        """mpirun waits for ever for the other machine; launch/run does not."""
        timeout, linger = 3, 15
        job = self.launch("--timeout", timeout)
        program.wait_until(lambda: program.losses(self.folder / "runs/run") or job.poll() is not None, "the training")
        self.assertIsNone(job.poll(), (self.folder / "output").read_text())
        self.ip("link", "set", "wire", "down", machine=self.machines[0])
        cut = time.monotonic()
        self.assertEqual(job.wait(60), 75)
        self.assertLess(time.monotonic() - cut, timeout + linger + 10)
        told = (self.folder / "output").read_text()
        self.assertIn("did not arrive within the deadline", told)
        self.assertIn(f"the ranks ended, but mpirun did not within {linger} s", told)


if __name__ == "__main__":
    program.main()
