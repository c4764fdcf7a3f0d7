"""doctor finds what is wrong with real things: file systems that are full, small, read-only or not shared, and says nothing
else is wrong."""
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import program

MAY_MOUNT = os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
                                                 stderr=subprocess.DEVNULL).returncode == 0


class Doctor(program.TestCase):
    def findings(self, *words, mounts=(), ranks=None, env=None):
        """{topic: finding}, in a mount namespace where `mounts` were made."""
        words = program.command("doctor", "--json", "--run-dir", self.folder / "runs", *words, ranks=ranks)
        if mounts:
            words = ["unshare", "--mount", "sh", "-c", " && ".join([*mounts, 'exec "$@"']), "sh", *words]
        result = subprocess.run(words, env=env or program.environment(), capture_output=True, text=True, timeout=program.PATIENCE)
        return self.checked(result)

    def checked(self, result):
        """Its exit code says whether a run can start."""
        found = {finding["topic"]: finding for finding in json.loads(result.stdout)["findings"]}
        is_faulty = any(finding["verdict"] == "fault" for finding in found.values())
        self.assertEqual(result.returncode, 2 if is_faulty else 0, result.stdout + result.stderr)
        return found

    def test_alone(self):
        found = self.findings()
        for topic in ("launcher", "cores", "memory", "/dev/shm", "temporary files", "open files", "GPUs", "network",
                      "run folders", "locks", "writes"):
            self.assertIn(topic, found)
        self.assertEqual(found["locks"]["verdict"], "ok")
        self.assertTrue(found["launcher"]["text"].startswith("none: one process alone; 1 rank(s)"), found["launcher"])
        self.assertFalse((self.folder / "runs").exists(), "something is left behind")

    def test_ranks(self):
        found = self.findings(ranks=2)
        self.assertTrue(found["launcher"]["text"].startswith("mpirun with PMIx; 2 rank(s) on 1 node(s); Open MPI "), found["launcher"])
        self.assertEqual(found["shared"]["verdict"], "ok")
        self.assertRegex(found["all-reduce"]["text"], r"^over MPI: \d+ us for 64 bytes, [\d.]+ ms for 17 MB, ")

    def test_text(self):
        """Lines of at most 80 characters, the remedies below, and what it comes to."""
        output = program.run("doctor", "--run-dir", self.folder, env=program.environment(OMP_NUM_THREADS="many")).stdout
        lines = output.splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        self.assertIn("warning  threads          OMP_NUM_THREADS is 'many'", lines)
        self.assertIn("set it to a number from 1 to 1024", output)
        self.assertRegex(lines[-1], r"^[1-9]\d* warning\(s\), 0 fault\(s\)\.$")

    @unittest.skipUnless(MAY_MOUNT, "needs the right to mount file systems")
    def test_little_shared_memory(self):
        found = self.findings(mounts=["mount -t tmpfs -o size=8m none /dev/shm"])
        self.assertEqual(found["/dev/shm"]["verdict"], "fault")
        self.assertIn("8 MB free", found["/dev/shm"]["text"])
        self.assertIn("--shm-size", found["/dev/shm"]["remedy"])

    @unittest.skipUnless(MAY_MOUNT, "needs the right to mount file systems")
    def test_folder_that_takes_nothing(self):
        (self.folder / "runs").mkdir()
        found = self.findings(mounts=[f"mount -t tmpfs -o ro none {self.folder}/runs"])
        self.assertEqual(found["run folders"]["verdict"], "fault")
        self.assertIn("Read-only file system", found["run folders"]["text"])
        found = self.findings(mounts=[f"mount -t tmpfs -o size=200k none {self.folder}/runs"])
        self.assertIn("No space left on device", str(found))

    @unittest.skipUnless(MAY_MOUNT, "needs the right to mount file systems")
    def test_folder_that_is_not_shared(self):
        """The second rank has another file system there."""
        runs = self.folder / "runs"
        runs.mkdir()
        words = program.command("doctor", "--json", "--run-dir", runs, ranks=1)
        words += [":", "-np", "1", "unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {runs} && exec "$@"', "sh",
                  *program.command("doctor", "--json", "--run-dir", runs)]
        result = subprocess.run(list(map(str, words)), env=program.environment(), capture_output=True, text=True, timeout=program.PATIENCE)
        found = self.checked(result)
        self.assertEqual(found["shared"]["verdict"], "fault")


if __name__ == "__main__":
    program.main()
