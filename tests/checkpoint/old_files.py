"""Checkpoints that version 0.4.0 wrote, in files_0_4_0/: every later program finds the same model in them, and goes on
training from them as 0.4.0 did. expected.json holds what 0.4.0 said; `old_files.py --record`, with CHARRNN_BUILD on a
build of it, wrote that."""
import json
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

FOLDER = Path(__file__).resolve().parent / "files_0_4_0"
CORPUS = FOLDER / "corpus.txt"
FILES = sorted(FOLDER.glob("*.h5"))


def facts(path, folder):
    """What the program says of a file, and what comes of it: a copy is resumed to its run's end."""
    run_folder = Path(folder) / path.stem
    (run_folder / "checkpoints").mkdir(parents=True)
    shutil.copy(path, run_folder / "checkpoints" / "cycle_0.h5")
    loss = json.loads(program.run("eval", "--checkpoint", path, "--corpus", CORPUS, "--threads", 1, "--json").stdout)["loss"]
    sample = program.run("sample", "--checkpoint", path, "--seed", 5, "--length", 60, "--prime", CORPUS.read_text()[:20],
                         text=False).stdout.decode(errors="backslashreplace")
    program.run("train", "--resume", "--run-dir", folder, "--name", path.stem, "--corpus", CORPUS, "--threads", 1,
                "--log-every", 1)
    return {"hash": program.parameter_hash(path), "loss": loss, "sample": sample,
            "step_losses": [loss for _, loss in sorted(program.losses(run_folder).items())],
            "val_losses": [event["val_loss"] for event in program.metrics(run_folder, "epoch")]}


class OldFiles(program.TestCase):
    maxDiff = None

    def test_same_as_before(self):
        expected = json.loads((FOLDER / "expected.json").read_text())
        self.assertEqual(sorted(expected), [path.stem for path in FILES])
        for path in FILES:
            with self.subTest(path.stem):
                found, wanted = facts(path, self.folder), expected[path.stem]
                self.assertEqual((found["hash"], found["sample"]), (wanted["hash"], wanted["sample"]))
                self.assertAlmostEqual(found["loss"], wanted["loss"], delta=1e-6)
                # Trained on: rounding differs from processor to processor, and grows with the steps.
                for key in ("step_losses", "val_losses"):
                    self.assertEqual(len(found[key]), len(wanted[key]))
                    for one, other in zip(found[key], wanted[key]):
                        self.assertAlmostEqual(one, other, delta=1e-5)


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        with tempfile.TemporaryDirectory() as temporary:
            recorded = {path.stem: facts(path, temporary) for path in FILES}
        (FOLDER / "expected.json").write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")
    else:
        program.main()
