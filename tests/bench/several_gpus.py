"""What to run first on several GPUs, tried on CPUs, with ranks over MPI."""
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

SCRIPT = Path(__file__).resolve().parents[2] / "bench/several_gpus.py"
MARKED = "# GPUs\n<!-- several_gpus: begin -->\nold\n<!-- several_gpus: end -->\nafter\n"


class SeveralGpus(program.TestCase):
    def several(self, *words, expect=0, the_program=program.PROGRAM, launch=f"{program.MPIRUN} -np {{}} --oversubscribe --bind-to none"):
        page, told = self.folder / "page.md", self.folder / "told.json"
        page.write_text(MARKED)
        result = subprocess.run([sys.executable, SCRIPT, the_program, "--cpu", "--run-dir", self.folder, "--page", page, "--json", told,
                                 "--launch", launch, *words], env=program.environment(), capture_output=True, text=True, timeout=program.PATIENCE)
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), sorted(["corpus.txt", "page.md", "told.json", *self.mine]))
        return page.read_text(), json.loads(told.read_text())

    mine = []  # files of a test's own

    def test_on_one_and_two_ranks(self):
        page, told = self.several("--ranks", "1", "2")
        self.assertEqual(told["failed"], [])
        one, two = told["ranks"]
        self.assertEqual(one["hash"], two["hash"])
        self.assertEqual(len(one["hash"]), 64)
        self.assertIsNone(one["growing"]["all_reduce"])
        self.assertGreater(two["growing"]["all_reduce"], 0)
        self.assertRegex(page, rf"\n\| 2 \| `{two['hash'][:12]}` \| [\d.]+; [\d.e-]+ \| \d+% \|")
        self.assertRegex(page, r"\n- \w+, all-reduce: over MPI")
        self.assertTrue(page.endswith("Nothing failed.\n<!-- several_gpus: end -->\nafter\n"), page)

    def test_says_what_failed_and_goes_on(self):
        """A program that comes to other bits on two ranks: its seed is their number."""
        self.mine = ["other"]
        other = self.folder / "other"
        other.write_text(f'#!/bin/sh\nif [ "$1" = train ]; then set -- "$@" --seed "${{OMPI_COMM_WORLD_SIZE:-1}}"; fi\n'
                         f'exec {program.PROGRAM} "$@"\n')
        other.chmod(0o755)
        page, told = self.several("--ranks", "1", "2", expect=1, the_program=other)
        self.assertEqual(told["failed"], ["the bits are not the same on all numbers of ranks"])
        self.assertIn("Failed: the bits are not the same on all numbers of ranks.", page)

    def test_a_launcher_that_is_not_there(self):
        page, told = self.several("--ranks", "1", expect=1, launch="no-such-launcher {}")
        self.assertIn("no-such-launcher", told["failed"][0])
        self.assertIn("| 1 | failed | failed |", page)


if __name__ == "__main__":
    program.main()
