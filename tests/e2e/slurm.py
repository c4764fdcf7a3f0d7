"""The batch scripts on a SLURM cluster of two virtual nodes: job arrays, and stops that are no failures."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unittest.mock
from pathlib import Path

import h5py

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

CLUSTER = program.SOURCE / "cluster/slurm/one_machine"
SCRIPTS = program.SOURCE / "cluster/slurm"
MODEL = ["--columns", 6, "--bptt", 8, "--model", "gru", "--hidden", 24]


class Slurm(program.TestCase):
    characters = 20_000

    def submit(self, script, *words, flags=()):
        """The job's number."""
        env = program.environment(OMPI_MCA_btl_tcp_if_include="lo", OMPI_MCA_oob_tcp_if_include="lo")
        command = ["sbatch", "--parsable", "--nodes", 2, "--ntasks-per-node", 1, *flags, SCRIPTS / script, *words]
        result = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env, cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def output(self):
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("charrnn-*.out")))

    def wait_for_job(self, job):
        def has_ended():
            result = subprocess.run(["squeue", "--noheader", "--jobs", job], capture_output=True, text=True)
            return not result.stdout.strip()
        program.wait_until(has_ended, f"job {job} to end")

    def table(self, name):
        """{run: cells} of the table, and its heading."""
        path = self.folder / "runs" / f"{name}.results.txt"
        lines = [re.split(r"\s{2,}", line) for line in path.read_text().splitlines()]
        return {cells[0]: dict(zip(lines[0][1:], cells[1:])) for cells in lines[1:]}

    def test_a_sweep_over_seeds(self):
        words = self.train_words("seeds", *MODEL, "--max-steps", 20, "--reproducible", "--micro-batches", 2)
        self.wait_for_job(self.submit("sweep.sbatch", "seeds", *words, flags=["--array", "3-4"]))
        table = self.table("seeds")
        self.assertEqual(set(table), {"seeds-3", "seeds-4"}, self.output())
        for seed in (3, 4):
            self.assertEqual(table[f"seeds-{seed}"]["state"], "done")
            self.assertEqual(table[f"seeds-{seed}"]["seed"], str(seed))
            alone = self.train(f"alone{seed}", *MODEL, "--max-steps", 20, "--reproducible", "--micro-batches", 2,
                               "--seed", seed)
            self.assertEqual(program.parameter_hash(self.folder / f"runs/seeds-{seed}"), program.parameter_hash(alone))

    def test_a_sweep_over_lines_of_options(self):
        lines = self.folder / "lines.txt"
        lines.write_text("--hidden 8 --learning-rate 1e-2\n--hidden '16'\n--hidden '4")
        words = self.train_words("lines", *MODEL, "--max-steps", 20, "--hidden", 32)
        self.wait_for_job(self.submit("sweep.sbatch", lines, *words, flags=["--array", "1-4"]))
        table = self.table("lines")
        self.assertEqual({name: (cells["hidden"], cells["learning-rate"]) for name, cells in table.items()},
                         {"lines-1": ("8", "0.01"), "lines-2": ("16", "0.001")}, self.output())
        self.assertIn("line 3 of '" + str(lines) + "' has a quote without its partner: --hidden '4\n", self.output())
        self.assertIn("has nothing in line 4", self.output())

    def test_doctor(self):
        """It tells of each node once, and measures between them."""
        env = program.environment(OMPI_MCA_btl_tcp_if_include="lo", OMPI_MCA_oob_tcp_if_include="lo", PMIX_MCA_gds="hash")
        words = ["srun", "--nodes", 2, "--ntasks-per-node", 1, "--mpi=pmix", *program.command("doctor", "--json", "--run-dir", self.folder)]
        result = subprocess.run(list(map(str, words)), capture_output=True, text=True, env=env, cwd=self.folder, timeout=program.PATIENCE)
        found = {finding["topic"]: finding for finding in json.loads(result.stdout)["findings"]}
        self.assertRegex(found["launcher"]["text"], r"^srun with PMIx; 2 rank\(s\) on 2 node\(s\); Open MPI ")
        self.assertEqual(found["shared"]["verdict"], "ok")
        self.assertRegex(found["all-reduce"]["text"], r"^over MPI: \d+ us for 64 bytes, ")
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_what_is_refused_is_not_queued_again(self):
        """No rank is ended by srun before it has come to refuse, too."""
        for one_round in range(3):
            job = self.submit("train.sbatch", *self.train_words(f"refused{one_round}", *MODEL, "--layers", 0))
            self.wait_for_job(job)
            output = (self.folder / f"charrnn-{job}.out").read_text()
            self.assertIn("attempt 1 ended with code 2\n", output)
            self.assertNotIn("attempt 2", output)

    def submit_endless(self, *more):
        """(job, the run's folder), once it trains."""
        folder = self.folder / "runs" / "run"
        job = self.submit("train.sbatch", *self.train_words("run", *MODEL, "--epochs", 100_000, *more))
        self.addCleanup(subprocess.run, ["scancel", "--full", "--signal", "KILL", job], capture_output=True)
        self.wait_for_step(folder, 20)
        return job, folder

    @staticmethod
    def wait_for_step(folder, step):
        program.wait_until(lambda: max(program.losses(folder), default=0) >= step, f"step {step}")

    def check_second_attempt(self, job, folder):
        """It goes on with the next step, and ends when it is cancelled."""
        try:
            program.wait_until(lambda: self.output().count("resuming  ") == 1, "the second attempt")
        except AssertionError as error:
            self.fail(f"{error}:\n{self.output()}")
        with h5py.File(folder / "checkpoints/latest") as file:
            step = int(file.attrs["step"])
        self.wait_for_step(folder, step + 5)
        subprocess.run(["scancel", job], check=True)
        self.wait_for_job(job)
        steps = list(program.losses(folder))
        self.assertEqual(steps, list(range(1, len(steps) + 1)))

    def test_a_lost_rank(self):
        """The other ends with it, before its deadline, and the job goes on from the newest checkpoint."""
        job, folder = self.submit_endless("--save-every", 10)
        program.wait_until((folder / "checkpoints/latest").exists, "a checkpoint, which is written beside the training")
        ranks = [pid for pid in program.all_processes() if in_job(pid, job) and is_program(pid)]
        self.assertEqual(len(ranks), 2)
        os.kill(ranks[1], signal.SIGKILL)
        program.wait_until(lambda: "attempt 1 ended" in self.output(), "the end of the first attempt", 40)
        self.assertIn("attempt 1 ended with code 137", self.output())
        self.check_second_attempt(job, folder)

    def test_a_job_that_gives_up(self):
        with unittest.mock.patch.dict(os.environ, CHARRNN_RESTARTS="0"):
            job, _ = self.submit_endless()
        subprocess.run(["scancel", "--signal", "USR1", "--batch", job], check=True)
        self.wait_for_job(job)
        self.assertIn("attempt 1 ended with code 75", self.output())
        self.assertIn("gave up after 0 restarts", self.output())
        self.assertNotIn("attempt 2", self.output())

    def test_a_time_limit_that_comes_near(self):
        """The signal that SLURM sends a minute before: both ranks save and end with 75, and the job is queued again."""
        job, folder = self.submit_endless()
        subprocess.run(["scancel", "--signal", "USR1", "--batch", job], check=True)
        program.wait_until(lambda: "attempt 1 ended" in self.output(), "the end of the first attempt")
        self.assertIn("attempt 1 ended with code 75", self.output())
        self.assertNotIn("Terminated", self.output())
        self.check_second_attempt(job, folder)


def is_program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe") == str(program.PROGRAM.resolve())
    except OSError:
        return False


def in_job(pid, job):
    try:
        return f"SLURM_JOB_ID={job}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def main():
    needed = ("slurmctld", "slurmd", "munged", "sbatch", "squeue")
    missing = [tool for tool in needed if not shutil.which(tool)]
    conf = Path(subprocess.run([CLUSTER, "conf"], capture_output=True, text=True, check=True).stdout.strip())
    if missing or os.geteuid() != 0 or conf.parent.exists():
        print("skipped: " + (f"there is no {missing[0]}" if missing else f"needs root, and {conf.parent} to be free"))
        sys.exit(77)
    os.environ["SLURM_CONF"] = str(conf)
    try:
        subprocess.run([CLUSTER, "start"], check=True)
        program.main()
    finally:
        subprocess.run([CLUSTER, "stop"], check=True)


if __name__ == "__main__":
    main()
