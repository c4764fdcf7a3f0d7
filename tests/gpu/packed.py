"""What `pack` makes runs in a bare Debian 12 that has nothing but Python and PyTorch: `check --cpu` and `report --cpu`, for want of
a GPU."""
import json
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("install", "e2e")]
import debian
import program

HERE = Path(__file__).resolve().parent
TORCH = Path(sys.prefix)  # the environment that launch/install makes
IN_DEBIAN = f"""
export DEBIAN_FRONTEND=noninteractive PATH='{TORCH}/bin':"$PATH"
apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 >/dev/null && bash /packed/check --cpu &&
  bash /packed/report /report --cpu --seconds 60
"""


class Packed(program.TestCase):
    def test_runs_where_there_is_nothing_else(self):
        root = debian.bare(self.folder)
        debian.check(HERE / "pack", program.PROGRAM.parent, root / "packed")
        self.assertLess((root / "packed/root.tgz").stat().st_size, 60e6)
        said = debian.run_in(root, IN_DEBIAN, TORCH)
        self.assertIn("\nALL GOOD\n", said)
        self.assertIn("\n| LSTM | 16 | 4 |", said)
        self.assertEqual(len(json.loads((root / "report/report.json").read_text())["cells"]), 2)
        self.assertEqual(said.count("code 0"), 4, said)

    def test_says_what_is_wrong(self):
        result = subprocess.run([HERE / "pack", "nowhere"], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (2, "usage: tests/gpu/pack BUILD FOLDER\n"))


if __name__ == "__main__":
    program.main()
