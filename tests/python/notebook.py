"""examples/lesson6.ipynb: its code runs from the first cell to the last, on a small text and for a few steps."""
import json
import os
import sys
from pathlib import Path

import matplotlib

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "python"), str(Path(__file__).resolve().parents[1] / "e2e")]
import program

NOTEBOOK = program.SOURCE / "examples/lesson6.ipynb"


class Notebook(program.TestCase):
    characters = 40_000

    def test_every_cell_runs(self):
        matplotlib.use("agg")
        os.environ.update(program.environment(LESSON6_TEXT=str(self.corpus), LESSON6_STEPS="10"))
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)
        variables = {}
        for number, cell in enumerate(json.loads(NOTEBOOK.read_text())["cells"]):
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"cell {number}", "exec"), variables)
        self.assertEqual(len(variables["scores"]), 7)
        self.assertTrue((self.folder / "lesson6/went_on/checkpoints/latest").exists())


if __name__ == "__main__":
    program.main()
