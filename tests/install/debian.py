"""What the tests of packages share: a bare Debian 12 of their own, and the .deb that cpack makes."""
import os
import re
import shutil
import subprocess
import sys
import unittest
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

BUILD = program.PROGRAM.parent
FOLDER = BUILD / "packages"  # kept from test to test
MIRROR = "http://deb.debian.org/debian"
ENTER = """
root=$1 script=$2
shift 2
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || exit
for folder; do mkdir -p "$root$folder" && mount --rbind "$folder" "$root$folder" || exit; done
exec chroot "$root" sh -c "cd /root; $script"
"""


def missing(*tools):
    """Why a Debian cannot be made here: one of these tools, root, or a way to Debian's packages is not there; else None."""
    absent = [tool for tool in tools if not shutil.which(tool)]
    if absent:
        return f"needs {' and '.join(absent)}: apt-get install {' '.join(absent)}"
    probe = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "mount", "-t", "proc", "proc", "/mnt"]
    if os.geteuid() != 0 or subprocess.run(probe, capture_output=True).returncode != 0:
        return "needs root that may mount file systems"
    try:
        urllib.request.urlopen(f"{MIRROR}/dists/bookworm/Release", timeout=20).close()
    except OSError as error:
        return f"cannot reach {MIRROR}: {error}"
    return None


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def check(*words, **how):
    """Runs a command and returns what it printed. Where Debian's packages are out of reach the test is skipped."""
    result = subprocess.run([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)
    if result.returncode != 0 and re.search("Failed to fetch|Unable to fetch|Temporary failure resolving", result.stdout):
        raise unittest.SkipTest(f"cannot reach {MIRROR}: {result.stdout[-500:]}")
    if result.returncode != 0:
        raise AssertionError(f"exit code {result.returncode}: {' '.join(map(str, words))}\n{result.stdout}")
    return result.stdout


def base():
    """A tar file of the smallest Debian 12 that apt works in."""
    tar = FOLDER / "bookworm.tar"
    if not tar.exists():
        FOLDER.mkdir(exist_ok=True)
        check("mmdebstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", f"{tar}.part.tar", MIRROR)
        os.rename(f"{tar}.part.tar", tar)
    return tar


def bare(folder):
    """A Debian in `folder`, in which apt reaches its packages. The test is skipped where none can be made."""
    if why := missing("mmdebstrap", "unshare"):
        raise unittest.SkipTest(why)
    root = folder / "debian"
    root.mkdir()
    check("tar", "--extract", "--file", base(), "--directory", root, "--exclude=./dev/*")
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    return root


def run_in(root, script, *folders):
    """What a script prints there, which sees these folders of this machine."""
    return check("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh", root, script, *folders)


def deb(new):
    """The package: a new one, or the one that an earlier test left if it is as new as the program."""
    def found():
        return [path for path in FOLDER.glob("charrnn-dist_*.deb") if path.stat().st_mtime > program.PROGRAM.stat().st_mtime]
    if new or not found():
        for old in FOLDER.glob("charrnn-dist_*.deb"):
            old.unlink()
        check("cpack", "-B", FOLDER, cwd=BUILD)
        shutil.rmtree(FOLDER / "_CPack_Packages")
    return found()[0]
