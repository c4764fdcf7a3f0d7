"""The communicator over the double of NCCL, with ranks on two nodes (tests/faults/hosts.py): the contract, and a rank of the other
node that stays away."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

tests = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(tests / "e2e"), str(tests / "faults")]
import hosts
import program

BUILT = Path(os.environ["CHARRNN_BUILD"]) / "tests"
ON_ONE_NODE = "CommunicatorContract.NobodyLeavesABarrierBeforeAllCame"  # counts in memory that all ranks share


class BetweenNodes(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.hosts = self.enterContext(hosts.TwoHosts(self.folder))

    def on_both(self, *words, ranks, expect):
        """Half of the ranks on each node."""
        passed = {"NCCL_DOUBLE_FOLDER": self.folder, "GTEST_FILTER": f"-{ON_ONE_NODE}"}
        command = [*self.hosts.prefix(), program.MPIRUN, "-np", str(ranks), "--oversubscribe", "--bind-to", "none"]
        command += [word for name in passed for word in ("-x", name)] + [str(word) for word in words]
        result = subprocess.run(command, env=self.hosts.environment() | passed, capture_output=True, text=True, timeout=program.PATIENCE)
        self.assertEqual(result.returncode, expect, result.stdout + result.stderr)
        return result

    def test_the_contract(self):
        self.assertIn("PASSED", self.on_both(BUILT / "contract_nccl_double", ranks=4, expect=0).stdout)

    def test_a_rank_that_stays_away(self):
        for collective in ("all_reduce_sum_queued", "all_to_all_begun"):
            for again in ([], ["again"]):
                said = self.on_both(BUILT / "absent_rank_nccl_double", collective, *again, ranks=4, expect=75).stderr
                self.assertRegex(said, r"rank 0: \w+ \(call \d+\) failed at step 1234 after .*: ranks? .*3 did not arrive")


if __name__ == "__main__":
    if why := hosts.why_not():
        print(f"skipped: {why}")
        sys.exit(77)
    unittest.main()
