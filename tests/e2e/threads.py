"""How many threads a rank takes: what is asked for, OMP_NUM_THREADS, the cores it may use, and a CPU quota; and what is said
about it."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MODEL = ["--model", "gru", "--hidden", 24, "--columns", 6, "--bptt", 10, "--max-steps", 3]
CORES = sorted(os.sched_getaffinity(0))


class Threads(program.TestCase):
    characters = 2400

    def start(self, name, *words, omp=None, ranks=None, before=()):
        env = program.environment()
        del env["OMP_NUM_THREADS"]
        if omp is not None:
            env["OMP_NUM_THREADS"] = omp
        words = self.train_words(name, *MODEL, *words)
        words.remove("--threads")
        words.remove(1)
        result = subprocess.run([*before, *program.command(*words, ranks=ranks)], capture_output=True, env=env, text=True,
                                timeout=program.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_its_share_of_the_cores(self):
        told = self.start("all")
        self.assertRegex(told, rf"\nranks +1 x {len(CORES)} thread")
        self.assertNotIn("threads  ", told)
        self.assertRegex(self.start("one", before=["taskset", "--cpu-list", str(CORES[0])]), r"\nranks +1 x 1 thread")

    def test_omp_num_threads(self):
        told = self.start("omp", omp="1,4")
        self.assertRegex(told, r"\nranks +1 x 1 thread")
        self.assertRegex(told, r"\nthreads +1 per rank, because of OMP_NUM_THREADS\n")
        told = self.start("given", "--threads=2", omp="1")
        self.assertRegex(told, r"\nranks +1 x 2 thread")
        self.assertNotIn("OMP_NUM_THREADS", told)
        told = self.start("wrong", omp="many")
        self.assertRegex(told, rf"\nranks +1 x {len(CORES)} thread")
        self.assertIn("warning: OMP_NUM_THREADS is 'many'", told)

    def test_reproducible_bits_do_not_depend_on_it(self):
        hashes = set()
        for omp in (None, "1", "3"):
            for engine in ("native", "torch"):
                name = f"bits{omp}{engine}"
                self.start(name, "--reproducible", "--micro-batches", 2, "--engine", engine, omp=omp)
                hashes.add((engine, program.parameter_hash(self.folder / "runs" / name)))
        self.assertEqual(len(hashes), 2)

    def test_more_threads_than_cores(self):
        count = len(CORES) + 1
        says = rf"warning: {count} threads share {len(CORES)} core\(s\) of \S+ and wait for each other"
        self.assertRegex(self.start("threads", f"--threads={count}"), says)
        with self.subTest("ranks"):
            if count > 6:
                self.skipTest("too many cores for a rank on each")
            self.assertRegex(self.start("ranks", "--threads=1", ranks=count), says)
        self.assertNotIn("warning", self.start("fits", f"--threads={len(CORES)}"))

    def test_a_quota(self):
        """A control group of this system, as containers get one."""
        group = next((path for path in (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))
                      if (path / "cgroup.procs").exists()), None)
        group = group / f"charrnn_test_{os.getpid()}" if group else None
        try:
            group.mkdir()
            self.addCleanup(lambda: program.wait_until(lambda: remove(group), "the group to be empty"))
            if (group / "cpu.max").exists():
                (group / "cpu.max").write_text("100000 100000")
            else:
                (group / "cpu.cfs_quota_us").write_text("100000")
        except (AttributeError, OSError):
            self.skipTest("no rights to make a control group")
        if len(CORES) < 2:
            self.skipTest("one core is no more than the quota")
        told = self.start("quota", before=["sh", "-c", f"echo $$ >{group}/cgroup.procs && exec \"$@\"", "sh"])
        self.assertRegex(told, r"\nranks +1 x 1 thread")
        self.assertRegex(told, r"\nthreads +1 per rank, because of a CPU quota of 1 core\(s\)\n")


def remove(group):
    try:
        group.rmdir()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    program.main()
