"""What `pack` makes runs in a bare Debian 12 that has nothing but Python and LibTorch: `check --cpu`, for want of a GPU."""
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("install", "e2e")]
import debian
import program

HERE = Path(__file__).resolve().parent
TORCH = Path(sys.prefix)  # the environment that launch/install makes
IN_DEBIAN = """
mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mkdir -p "$1$2" && mount --rbind "$2" "$1$2" &&
exec chroot "$1" sh -c '
  export DEBIAN_FRONTEND=noninteractive PATH="$1/bin:$PATH"
  apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 >/dev/null && exec bash /packed/check --cpu' sh "$2"
"""


class Packed(program.TestCase):
    def test_runs_where_there_is_nothing_else(self):
        if why := debian.missing("mmdebstrap", "unshare"):
            self.skipTest(why)
        root = self.folder / "debian"
        root.mkdir()
        debian.check("tar", "--extract", "--file", debian.base(), "--directory", root, "--exclude=./dev/*")
        debian.check(HERE / "pack", program.PROGRAM.parent, root / "packed")
        self.assertLess((root / "packed/root.tgz").stat().st_size, 60e6)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        said = debian.check("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", IN_DEBIAN, "sh", root, TORCH)
        self.assertTrue(said.endswith("ALL GOOD\n"), said)
        self.assertEqual(said.count("code 0"), 4, said)

    def test_says_what_is_wrong(self):
        result = subprocess.run([HERE / "pack", "nowhere"], capture_output=True, text=True)
        self.assertEqual((result.returncode, result.stderr), (2, "usage: tests/gpu/pack BUILD FOLDER\n"))


if __name__ == "__main__":
    program.main()
