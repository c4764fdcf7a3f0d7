"""cluster/container/Containerfile makes an image that trains on two ranks as a plain user and lets other ranks in over SSH.

`container.py` builds it from the sources; `container.py --package` takes the package of an earlier test in place of the first
stage, and so tests the second one alone, in a quarter of the time."""
import os
import re
import shutil
import sys
import tempfile

import debian
import program

CONTAINER = program.SOURCE / "cluster/container"
PACKAGE = "--package" in sys.argv
IN_IMAGE = """
set -eu
export OMP_NUM_THREADS=1 PATH="$PATH:/usr/sbin"
echo "user: $(id -un)"
echo "version: $(charrnn_dist --version)"
charrnn_run -np 2 train --config /usr/share/charrnn/configs/quickstart.toml --corpus corpus.txt --max-steps 5 --name first
charrnn_results runs/first
ssh-keygen -q -t ecdsa -N '' -f ~/.ssh/id_rsa
cp ~/.ssh/id_rsa.pub ~/.ssh/authorized_keys
/usr/sbin/sshd -De -f /etc/charrnn/sshd_config & sshd=$!
echo "over ssh: $(ssh -o ConnectionAttempts=30 localhost charrnn_dist --version)"
kill "$sshd"
"""


class Image(program.TestCase):
    def setUp(self):
        super().setUp()
        debian.FOLDER.mkdir(exist_ok=True)
        self.storage = tempfile.TemporaryDirectory(prefix="storage_", dir=debian.FOLDER)  # /tmp may be small
        self.addCleanup(self.storage.cleanup)

    def buildah(self, *words):
        return debian.check("buildah", "--storage-driver", "vfs", "--root", f"{self.storage.name}/root",
                            "--runroot", f"{self.storage.name}/run", *words, env=dict(os.environ, BUILDAH_ISOLATION="chroot"))

    def recipe(self):
        """Containerfile and the folder that it is for."""
        if not PACKAGE:
            return CONTAINER / "Containerfile", program.SOURCE
        context = self.folder / "context"
        context.mkdir()
        shutil.copy(debian.deb(new=False), context)
        shutil.copy(CONTAINER / "setup", context)
        text, found = re.subn(r"FROM \$\{BASE\} AS build\nCOPY .*\nRUN .*\n", "FROM scratch AS build\nCOPY . /package\n",
                              (CONTAINER / "Containerfile").read_text())
        self.assertEqual(found, 1)
        (self.folder / "Containerfile").write_text(text)
        return self.folder / "Containerfile", context

    def test_is_built_trains_and_lets_ranks_in(self):
        bare = self.buildah("from", "scratch").split()[-1]
        self.buildah("add", "--quiet", bare, debian.base(), "/")
        if certificates := os.environ.get("PIP_CERT"):  # a network with an authority of its own
            self.buildah("add", "--quiet", bare, certificates, "/etc/pip-certificates.crt")
            self.buildah("config", "--env", "PIP_CERT=/etc/pip-certificates.crt", bare)
        self.buildah("commit", "--quiet", "--rm", bare, "localhost/bookworm")
        recipe, context = self.recipe()
        self.buildah("bud", "--network", "host", "--build-arg", "BASE=localhost/bookworm", "-f", recipe, "-t", "charrnn_dist", context)
        container = self.buildah("from", "--pull-never", "localhost/charrnn_dist").split()[-1]
        self.folder.chmod(0o777)
        said = self.buildah("run", "--network", "host", "--volume", f"{self.folder}:/work", container, "sh", "-c", IN_IMAGE)
        version = program.run("--version").stdout.split()[1]
        for line in "user: charrnn", f"version: charrnn_dist {version}", f"over ssh: charrnn_dist {version}":
            self.assertIn(line, said)
        self.assertRegex(said, r"(?m)^first .*done")


if __name__ == "__main__":
    why = debian.missing("buildah", "mmdebstrap")
    if why:
        debian.skip(why)
    sys.argv = [word for word in sys.argv if word != "--package"]
    program.main()
