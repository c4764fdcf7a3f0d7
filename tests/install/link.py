"""launch/install --link: a charrnn_dist on the PATH, with which the program's next command works as it prints it."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program


class Link(program.TestCase):
    def setUp(self):
        super().setUp()
        self.bin = self.folder / "bin"
        self.link = self.bin / "charrnn_dist"
        self.on_path = program.environment(PATH=f"{self.bin}:{os.environ['PATH']}")

    def install(self, *words, **how):
        return program.run("--link", *words, script="install", **how)

    def test_next_command_works_as_printed(self):
        says = self.install(self.bin, env=self.on_path).stdout
        self.assertEqual(says, f"==> {self.link} is a link to {program.PROGRAM}\n")
        words = [str(word) for word in self.train_words("run", "--model", "gru", "--hidden", 8, "--columns", 4, "--max-steps", 2)]
        trained = subprocess.run(["charrnn_dist", *words], env=self.on_path, capture_output=True, text=True, check=True)
        printed = trained.stdout.strip().rpartition("sample from it: ")[2]
        self.assertTrue(printed.startswith("charrnn_dist sample "), printed)
        subprocess.run(printed, shell=True, env=self.on_path, capture_output=True, check=True)

    def test_default_is_the_folder_of_the_user(self):
        home = program.environment(HOME=str(self.folder))
        says = self.install(env=home).stdout
        folder = self.folder / ".local/bin"
        self.assertEqual(os.readlink(folder / "charrnn_dist"), str(program.PROGRAM))
        self.assertIn(f"{folder} is not on your PATH", says)

    def test_replaces_its_own_link_and_nothing_else(self):
        self.bin.mkdir()
        self.link.symlink_to(program.SOURCE / "build/removed/charrnn_dist")
        self.install(self.bin)
        self.assertEqual(os.readlink(self.link), str(program.PROGRAM))
        for make in (lambda: self.link.write_text("mine"), lambda: self.link.symlink_to("/elsewhere/charrnn_dist"), self.link.mkdir):
            self.link.unlink()
            make()
            before = self.link.lstat()
            self.assertIn("is not a link to this checkout's program", self.install(self.bin, expect=1).stderr)
            self.assertEqual(self.link.lstat(), before)

    def test_wrong_words(self):
        self.install("a", "b", expect=2)


if __name__ == "__main__":
    program.main()
