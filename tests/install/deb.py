"""The .deb that cpack makes: what is in it; and in a bare Debian 12 it is installed by apt with all that it needs, trains on
two ranks, writes, and leaves nothing behind when it is removed."""
import re
import shutil
import tempfile
from pathlib import Path

import debian
import program

IN_DEBIAN = """
set -eu
export DEBIAN_FRONTEND=noninteractive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
apt-get update -qq
apt-get install -y -qq --no-install-recommends ./charrnn-dist.deb >/dev/null
echo "version: $(charrnn_dist --version)"
charrnn_run -np 2 train --config /usr/share/charrnn/configs/quickstart.toml --corpus corpus.txt --max-steps 5 --name first
charrnn_dist sample runs/first --length 40 >text
test "$(wc -c <text)" -ge 40
charrnn_results runs/first
known_entropy --help >/dev/null
dpkg -L charrnn-dist >files
apt-get purge -y -qq charrnn-dist >/dev/null
while read -r path; do
  if [ -L "$path" ] || [ -f "$path" ]; then echo "left behind: $path"; fi
done <files
test ! -e /usr/share/charrnn
"""


class Deb(program.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="charrnn_deb_")
        cls.addClassCleanup(folder.cleanup)
        cls.root = Path(folder.name) / "root"
        cls.deb = debian.deb(new=True)
        debian.check("dpkg-deb", "--extract", cls.deb, cls.root)

    def field(self, name):
        return debian.check("dpkg-deb", "--field", self.deb, name).strip()

    def test_says_what_it_is_and_needs(self):
        self.assertEqual(self.field("Package"), "charrnn-dist")
        self.assertIn(f"charrnn_dist {self.field('Version')}", program.run("--version").stdout)
        self.assertRegex(self.field("Maintainer"), r"^\S.* <\S+@\S+\.\S+>$")
        needs = re.sub(r" \([^)]*\)", "", self.field("Depends")).split(", ")
        for package in ("openmpi-bin", "python3", "libopenmpi3", "libhdf5-103-1", "libc6"):
            self.assertIn(package, needs)

    def test_holds_the_program_and_no_library_for_cpp(self):
        for path in ("bin/charrnn_dist", "bin/known_entropy", "bin/charrnn_run", "share/charrnn/configs/quickstart.toml",
                     "share/man/man1/charrnn_dist-train.1", "share/bash-completion/completions/charrnn_dist",
                     "share/doc/charrnn_dist/bundled/torch/LICENSE"):
            self.assertTrue((self.root / "usr" / path).exists(), path)
        self.assertEqual((self.root / "usr/share/doc/charrnn-dist/copyright").read_text(),
                         (program.SOURCE / "LICENSE").read_text())
        self.assertFalse(list(self.root.rglob("*.hpp")) + list(self.root.rglob("*.a")))

    def test_its_libraries_are_its_own_and_where_it_looks(self):
        own = self.root / "usr/lib/charrnn_dist"
        opened = own / "libcharrnn_torch.so"
        for file, where in ((self.root / "usr/bin/charrnn_dist", "$ORIGIN/../lib/charrnn_dist"),
                            (self.root / "usr/bin/known_entropy", "$ORIGIN/../lib/charrnn_dist"), (opened, "$ORIGIN")):
            self.assertEqual(re.findall(r"RUNPATH\).*\[(.*)\]", debian.check("readelf", "--dynamic", file)), [where])
            self.assertNotIn("not found", debian.check("ldd", file))
        loaded = debian.check("ldd", opened)
        for library in set(own.iterdir()) - {opened}:  # each is needed, and found here
            self.assertRegex(loaded, rf"{re.escape(library.name)} => \S*/usr/lib/charrnn_dist/")

    def test_lives_in_a_bare_debian(self):
        root = debian.bare(self.folder)
        work = root / "root"
        shutil.copy(self.deb, work / "charrnn-dist.deb")
        shutil.copy(self.corpus, work / "corpus.txt")
        said = debian.run_in(root, IN_DEBIAN)
        self.assertIn(f"version: charrnn_dist {self.field('Version')}", said)
        self.assertRegex(said, r"(?m)^first .*done")
        self.assertNotIn("left behind", said)


if __name__ == "__main__":
    if absent := [tool for tool in ("cpack", "dpkg-shlibdeps", "file", "readelf") if not shutil.which(tool)]:
        debian.skip(f"needs {' and '.join(absent)}: apt-get install cmake dpkg-dev file binutils")
    program.main()
