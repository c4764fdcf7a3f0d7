"""launch/plot: curves lie where the numbers say, no text covers another, and whatever a run left behind, there is a picture
or one line that says why not."""
import itertools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

sys.path.insert(0, str(program.SOURCE / "python"))
from charrnn import pictures
from charrnn.runs import Run

SVG = "{http://www.w3.org/2000/svg}"


def step(number, loss):
    return {"event": "step", "step": number, "loss": loss, "learning_rate": 0.01}


def epoch(number, last, train, validation):
    return {"event": "epoch", "epoch": number, "step": last, "train_loss": train, "val_loss": validation, "seconds": 1.5}


class Curves:
    """What is in an SVG: the points of a curve, by the name that the picture maker gave it, and all texts."""

    def __init__(self, path):
        root = ElementTree.parse(path).getroot()
        self.texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
        self.groups = {group.get("id"): group for group in root.iter(f"{SVG}g")}

    def points(self, name):
        lines = self.groups[name].findall(f"{SVG}path")
        if lines:
            return [tuple(map(float, pair)) for pair in re.findall(r"[ML] (\S+) (\S+)", lines[0].get("d"))]
        return [(float(mark.get("x")), float(mark.get("y"))) for mark in self.groups[name].iter(f"{SVG}use")]

    def places(self, name, axis):
        return [point[axis] for point in self.points(name)]


class Plot(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="charrnn_plot_")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.picture = self.folder / "picture.svg"

    def run_of(self, name, *events, end=""):
        folder = self.folder / "runs" / name
        folder.mkdir(parents=True)
        (folder / "metrics.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events) + end)
        return folder

    def file_of(self, name, content):
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path

    def plot(self, *words, expect=0, env=None):
        result = program.run(*words, script="plot", expect=expect, env=env)
        self.assertEqual(len(result.stderr.splitlines()), 0 if expect == 0 else 1, result.stderr)
        return result

    def draw(self, *words):
        self.plot(*words, "-o", self.picture)
        return Curves(self.picture)

    def assert_along(self, places, values):
        """Places on an axis are the values, moved and scaled."""
        self.assertEqual(len(places), len(values))
        scale = (places[-1] - places[0]) / (values[-1] - values[0])
        for place, value in zip(places, values):
            self.assertAlmostEqual(place, places[0] + scale * (value - values[0]), delta=0.01)
        return scale

    def full_run(self, name="first", shift=0.0):
        return self.run_of(name, *(step(i, shift + 3 - i / 10) for i in range(1, 5)), epoch(0, 4, shift + 2.75, shift + 2.9),
                           {"event": "phases", "step": 4}, {"event": "validation", "step": 6, "val_loss": shift + 2.6},
                           *(step(i, shift + 3 - i / 10) for i in range(5, 9)), epoch(1, 8, shift + 2.3, shift + 2.4))

    def test_by_step(self):
        curves = self.draw(self.full_run())
        x = self.assert_along(curves.places("training first", 0), [1, 2, 3, 4, 5, 6, 7, 8])
        y = self.assert_along(curves.places("training first", 1), [3 - i / 10 for i in range(1, 9)])
        self.assertGreater(x, 0)
        self.assertLess(y, 0)  # an SVG counts from the top
        self.assertAlmostEqual(self.assert_along(curves.places("validation first", 0), [4, 6, 8]), x, delta=0.01)
        self.assertAlmostEqual(self.assert_along(curves.places("validation first", 1), [2.9, 2.6, 2.4]), y, delta=0.5)
        for text in ("step", "loss, nats per character", "bits per character", "first  2.4000", "training", "validation"):
            self.assertIn(text, curves.texts)

    def test_by_epoch(self):
        curves = self.draw(self.full_run(), self.full_run("second", 0.5), "--by", "epoch")
        self.assert_along(curves.places("training first", 1) + curves.places("validation second", 1), [2.75, 2.3, 3.4, 2.9])
        self.assertEqual(curves.places("training first", 0), curves.places("validation second", 0))
        for text in ("epochs", "1", "2", "first  2.4000", "second  2.9000"):
            self.assertIn(text, curves.texts)

    def test_axes_are_nats_and_bits(self):
        with pictures.style():
            figure = pictures.losses([Run(self.full_run())])
            figure.draw_without_rendering()
            (axes,) = figure.axes
            (beside,) = axes.child_axes
            for nats, bits in zip(axes.get_ylim(), beside.get_ylim()):
                self.assertAlmostEqual(bits, nats / math.log(2))

    def test_limit(self):
        limits = self.file_of("limits.json", {"entropy_rate_nats": 2.0, "validation": {
            "source_loss_nats": 2.1, "characters": 1234, "standard_error_nats": 0.01}})
        curves = self.draw(self.full_run(), "--limits", limits)
        self.assertIn("limit  2.1000", curves.texts)
        places = curves.places("validation first", 1) + curves.places("limit", 1)[:1]
        self.assert_along(places, [2.9, 2.6, 2.4, 2.1])

    def test_whatever_became_of_the_run(self):
        for name, events, end, curve in (
                ("one step", [step(1, 4.0)], "", "training"),
                ("one epoch", [epoch(0, 9, 2.0, 1.5)], "", "validation"),
                ("no validation", [step(1, 4.0), step(2, 3.0), epoch(0, 2, 3.5, None)], "", "training"),
                ("torn", [step(1, 4.0), step(2, 3.0)], '{"event":"step","step":3,"lo', "training"),
                ("torn in a character", [step(1, 4.0)], "\udce2", "training"),
                ("diverged", [step(1, 4.0), step(2, 1e300), step(3, float("nan")), step(4, float("inf"))], "", "training"),
                ("strange", [step(1, 4.0), step(2, "3"), step(None, 3.0), {"event": 7}, [1], "text", 10**400], "", "training"),
                ("a$b$ _<&>\\frac", [step(1, 4.0)], "", "training"), ("_hidden", [step(1, 4.0)], "", "training"),
                ("長い名前", [step(1, 4.0)], "", "training")):
            with self.subTest(name):
                folder = self.run_of(name)
                text = "".join(json.dumps(event) + "\n" for event in events) + end
                (folder / "metrics.jsonl").write_bytes(text.encode(errors="surrogateescape"))
                curves = self.draw(folder)
                self.assertTrue(curves.points(f"{curve} {name}"))
                self.assertTrue(any(text.startswith(name) for text in curves.texts), curves.texts)

    def test_where_a_run_is(self):
        folder = self.full_run()
        whole = self.draw(folder).points("training first")
        self.assertEqual(self.draw(folder / "metrics.jsonl").points("training first"), whole)
        self.assertEqual(self.draw(f"{folder}/../first/.").points("training first"), whole)
        (self.folder / "other/first").mkdir(parents=True)
        (self.folder / "other/first/metrics.jsonl").write_text((folder / "metrics.jsonl").read_text())
        texts = self.draw(folder, self.folder / "other/first").texts
        self.assertEqual(len([text for text in texts if text.endswith("2.4000")]), 2)
        self.assertEqual(len(set(texts)), len(texts) - sum(texts.count(text) - 1 for text in set(texts)))

    def test_learning_rates(self):
        rates = [1e-5 * 10**i for i in range(6)]
        points = [{"learning_rate": rate, "loss": loss, "smoothed": loss + 0.1}
                  for rate, loss in zip(rates, [4.0, 3.9, 3.0, 2.0, 4.5, 1e9])]
        curves = self.draw(self.file_of("lr.json", {"suggestion": 1e-3, "diverged": True, "points": points}))
        self.assert_along(curves.places("loss", 0)[:4] + curves.places("suggestion", 0)[:1], [0, 1, 2, 3, 2])
        # What explodes leaves the picture and does not flatten the rest.
        self.assertGreater(max(curves.places("loss", 1)[:4]) - min(curves.places("loss", 1)[:4]), 100)
        for text in ("learning rate", "suggestion  0.001", "1e-3", "smoothed", "loss of each step"):
            self.assertIn(text, curves.texts)
        one = {"suggestion": None, "diverged": False, "points": points[:1]}
        self.assertEqual(len(self.draw(self.file_of("one.json", one)).points("loss")), 1)

    def test_report(self):
        curves = self.draw(program.SOURCE / "docs/lesson6/reproduce.json", "--runs", "stateful_gru", "char3")
        told = {run["name"]: run for run in json.loads((program.SOURCE / "docs/lesson6/reproduce.json").read_text())["runs"]}
        for run, keys in (("stateful_gru", ("val_loss", "notebook_val_loss", "train_loss_smoothed", "notebook_train_loss")),
                          ("char3", ("train_loss_smoothed", "notebook_train_loss"))):
            for key in keys:
                self.assert_along(curves.places(f"{key} {run}", 1), [epoch[key] for epoch in told[run]["epochs"]])
        for text in ("stateful_gru", "1.3617 (notebook 1.3693)", "charrnn_dist, validation", "notebook, training"):
            self.assertIn(text, curves.texts)
        self.assertNotIn("stateful_rnn", curves.texts)
        self.assertIn("stateful_lstm_sgdr", self.draw(program.SOURCE / "docs/lesson6/reproduce.json").texts)
        empty = {"runs": [{"name": "new", "final": {"loss": None, "notebook": 1.5}, "epochs": []}]}
        self.assertIn("no epoch has ended yet", self.draw(self.file_of("empty.json", empty)).texts)

    def test_no_text_covers_another(self):
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        def run(name, shift=0.0):
            return Run(self.full_run(name, shift))

        report = json.loads((program.SOURCE / "docs/lesson6/reproduce.json").read_text())["runs"]
        rates = [{"learning_rate": 1e-5 * 1.1**i, "loss": 4 - i / 40, "smoothed": 4 - i / 50} for i in range(120)]
        nine = [run(f"a run with a name of many words, number {i}", i / 9) for i in range(9)]
        several = [run(name, i / 4) for i, name in enumerate(("rnn", "gru", "lstm"))]
        for draw, *what in ((pictures.losses, several[:1]), (pictures.losses, several, "epoch", 1.234), (pictures.losses, nine),
                            (pictures.learning_rates, {"suggestion": 1e-3, "points": rates}), (pictures.report, report),
                            (pictures.report, report[:1]), (pictures.report, report[:2]), (pictures.report, report[-4:])):
            with self.subTest(draw.__name__, what=str(what)[:60]), pictures.style():
                figure = draw(*what)
                FigureCanvasAgg(figure).draw()
                self.assert_apart(figure)

    def assert_apart(self, figure):
        from matplotlib.text import Text

        page, renderer = figure.bbox, figure.canvas.get_renderer()
        boxes = {text: text.get_window_extent(renderer) for text in figure.findobj(Text)
                 if text.get_visible() and text.get_text().strip()}
        # Labels of ticks outside of the axis exist, but are not drawn.
        hidden = set()
        for axes in itertools.chain.from_iterable([axes, *axes.child_axes] for axes in figure.axes):
            for axis in (axes.xaxis, axes.yaxis):
                drawn = {tick for tick in axis._update_ticks()}
                for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                    hidden |= {label for label in (tick.label1, tick.label2) if tick not in drawn}
        boxes = {text: box for text, box in boxes.items() if text not in hidden}
        self.assertGreater(len(boxes), 8)
        for text, box in boxes.items():
            self.assertTrue(page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1,
                            f"'{text.get_text()}' leaves the page")
        for (one, box), (other, its) in itertools.combinations(boxes.items(), 2):
            self.assertFalse(box.overlaps(its), f"'{one.get_text()}' covers '{other.get_text()}'")

    def test_same_numbers_same_file(self):
        folder = self.full_run()
        self.draw(folder)
        first = self.picture.read_bytes()
        self.draw(folder)
        self.assertEqual(self.picture.read_bytes(), first)

    def test_other_formats(self):
        folder = self.full_run()
        for ending, start in ((".png", b"\x89PNG"), (".PDF", b"%PDF")):
            path = self.folder / f"picture{ending}"
            self.plot(folder, "-o", path)
            self.assertEqual(path.read_bytes()[:4], start)

    def test_table(self):
        folder = self.full_run()
        limits = self.file_of("limits.json", {"entropy_rate_nats": 2.0, "validation": {
            "source_loss_nats": 2.1, "characters": 1234, "standard_error_nats": 0.01}})
        self.assertEqual(self.plot("--table", folder).stdout,
                         "epoch  train loss  validation loss  bits/char\n"
                         "    0      2.7500           2.9000      4.184\n"
                         "    1      2.3000           2.4000      3.462\n")
        told = self.plot("--table", folder, "--limits", limits).stdout
        self.assertIn("    1      2.3000           2.4000      3.462          +0.3000\n", told)
        self.assertIn("limit                       2.1000      3.030\n", told)
        self.assertIn("2.0000 nats per character; over 1,234 characters chance moves the source's own loss by ±0.0100.", told)
        no_validation = self.run_of("none", epoch(0, 9, 2.0, None))
        self.assertIn("    0      2.0000                -          -\n", self.plot("--table", no_validation).stdout)
        self.assertIn("no epoch has ended yet", self.plot("--table", self.run_of("new", step(1, 4.0))).stdout)
        both = self.plot("--table", folder, no_validation).stdout
        self.assertIn("first\nepoch", both)
        self.assertIn("\n\nnone\nepoch", both)

    def test_what_can_be_wrong(self):
        folder, empty = self.full_run(), self.run_of("empty")
        (self.folder / "no run").mkdir()
        text = self.folder / "text.txt"
        text.write_text("no JSON")
        list_, strange = self.file_of("list.json", [1]), self.file_of("strange.json", {"points": {"loss": 3}})
        no_points = self.file_of("no_points.json", {"points": [], "suggestion": 1})
        no_runs = self.file_of("no_runs.json", {"runs": []})
        report = program.SOURCE / "docs/lesson6/reproduce.json"
        (self.folder / "folder.svg").mkdir()
        to = ("-o", self.picture)
        for code, words, says in (
                (65, [self.folder / "missing", *to], "missing"), (65, [self.folder / "no run", *to], "metrics.jsonl"),
                (65, [folder, self.folder / "missing.json", *to], "missing.json"), (65, [empty, *to], "has no losses yet"),
                (65, [folder, empty, *to], "has no losses yet"),
                (65, [self.run_of("new", step(1, 2.0)), *to, "--by", "epoch"], "by step"),
                (65, [text, *to], "text.txt"), (65, [list_, *to], "list.json"), (65, [strange, *to], "strange.json"),
                (65, [no_points, *to], "no points"), (65, [no_runs, *to], "no runs"),
                (65, [report, folder, *to], "reproduce.json"), (65, ["--table", report], "reproduce.json"),
                (65, [folder, *to, "--limits", text], "text.txt"), (65, [folder, *to, "--limits", list_], "list.json"),
                (65, [folder, *to, "--limits", self.folder / "missing"], "missing"),
                (65, [folder, "-o", self.folder / "missing/picture.svg"], "cannot write"),
                (65, [folder, "-o", self.folder / "folder.svg"], "directory"),
                (2, [report, *to, "--runs", "char3", "nope"], "there is no run 'nope'; there are: char3 char_loop"),
                (2, [folder, "-o", self.folder / "picture.gif"], ".svg, .png, .pdf"),
                (2, [folder, "-o", self.folder / "picture"], ".svg"),
                (2, [folder], "--output"), (2, [*to], "what"), (2, [], "what"), (2, [folder, *to, "--by", "week"], "--by"),
                (2, [folder, *to, "--table"], "--table"), (2, [folder, *to, "--bye", "step"], "--bye"),
                (2, [folder, *to, "--runs", "first"], "--runs"), (2, [report, *to, "--by", "step"], "--by"),
                (2, [no_points, *to, "--limits", text], "--limits"), (2, ["--table", folder, "--by", "step"], "--by")):
            with self.subTest(words):
                result = self.plot(*words, expect=code)
                self.assertTrue(result.stderr.startswith("launch/plot: error: "), result.stderr)
                self.assertIn(says, result.stderr)
                self.assertFalse(self.picture.exists())

    def test_a_disk_that_is_full(self):
        """What was there stays, and nothing half is left. A limit of the file's size stands for the disk's."""
        folder = self.full_run()
        self.picture.write_text("before")
        limited = ["bash", "-c", 'ulimit -f 1; trap "" XFSZ; exec "$@"', "bash"]
        result = subprocess.run([*limited, program.SOURCE / "launch/plot", folder, "-o", self.picture], capture_output=True, text=True)
        self.assertEqual((result.returncode, len(result.stderr.splitlines())), (65, 1), result.stderr)
        self.assertIn(f"cannot write '{self.picture}': File too large", result.stderr)
        self.assertEqual(self.picture.read_text(), "before")
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"runs", "picture.svg"})

    def test_without_matplotlib(self):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.folder / "bare"], check=True)
        env = program.environment(CHARRNN_CACHE=str(self.folder / "none"), PATH=f"{self.folder}/bare/bin:{os.environ['PATH']}")
        folder = self.full_run()
        result = self.plot(folder, "-o", self.picture, expect=2, env=env)
        self.assertIn("launch/install", result.stderr)
        self.assertIn("2.4000", self.plot("--table", folder, env=env).stdout)

    def test_standard_output_that_fails(self):
        folder = self.full_run()
        with open("/dev/full", "w") as full:
            result = subprocess.run([program.SOURCE / "launch/plot", "--table", folder], stdout=full, stderr=subprocess.PIPE,
                                    text=True)
        self.assertEqual((result.returncode, len(result.stderr.splitlines())), (65, 1), result.stderr)
        reading, writing = os.pipe()
        os.close(reading)
        result = subprocess.run([program.SOURCE / "launch/plot", "--table", folder], stdout=writing, stderr=subprocess.PIPE,
                                text=True)
        os.close(writing)
        self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    program.main()
