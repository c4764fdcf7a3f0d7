"""A job on two nodes, which are namespaces with host names and shared memory of their own and a cable between them: the bits are
those of one rank, and the first screen and doctor say what the job runs on."""
import json
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "faults")]
import hosts
import program

MODEL = ["--columns", 8, "--bptt", 10, "--model", "gru", "--hidden", 24, "--max-steps", 30]


class Nodes(program.TestCase):
    characters = 10_000

    def setUp(self):
        super().setUp()
        self.hosts = self.enterContext(hosts.TwoHosts(self.folder))

    def on_both(self, *words, ranks):
        """Half of the ranks on each."""
        words = [*self.hosts.prefix(), *program.command(*words, ranks=ranks)]
        result = subprocess.run(words, env=self.hosts.environment(), capture_output=True, text=True, timeout=program.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def nodes(self, ranks):
        """By turns, as the first screen and doctor put it."""
        which = {2: ["rank 0", "rank 1"], 4: ["ranks 0, 2", "ranks 1, 3"]}[ranks]
        return ", ".join(f"{name} ({its})" for name, its in zip(hosts.NAMES, which))

    def test_the_same_bits(self):
        words = [*MODEL, "--reproducible", "--micro-batches", 4]
        alone = program.parameter_hash(self.train("alone", *words))
        for ranks in (2, 4):
            name = f"on{ranks}"
            said = self.on_both(*self.train_words(name, *words), ranks=ranks)
            self.assertIn(f"{ranks} x 1 thread(s) on CPUs of 2 node(s)", said)
            self.assertIn(f"nodes       {self.nodes(ranks)}\n", said)
            self.assertEqual(program.parameter_hash(self.folder / "runs" / name), alone)

    def test_doctor(self):
        told = json.loads(self.on_both("doctor", "--json", "--run-dir", self.folder / "runs", ranks=4))
        found = {finding["topic"]: finding for finding in told["findings"]}
        self.assertRegex(found["launcher"]["text"], r"; 4 rank\(s\) on 2 node\(s\); ")
        self.assertEqual(found["nodes"]["text"], self.nodes(4))
        for name, address in zip(hosts.NAMES, hosts.ADDRESSES):
            self.assertIn(f"cable {address}", found[f"network of {name}"]["text"])
        self.assertEqual(found["shared"]["verdict"], "ok")
        self.assertIn("over MPI", found["all-reduce"]["text"])


if __name__ == "__main__":
    if why := hosts.why_not():
        print(f"skipped: {why}")
        sys.exit(77)
    program.main()
