"""The comparison with PyTorch, tried on the smallest of its models: its numbers fit together; energy counters that a test made."""
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "e2e"), str(BENCH)]
import program
from energy import Counter, Meter


def zone(folder, name, microjoules, most=262_143_328_850):
    """A counter as Linux shows it."""
    folder.mkdir(parents=True)
    for file, text in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", most)):
        (folder / file).write_text(f"{text}\n")
    return folder


class Draw:
    """Makes a counter rise by so many watts while a `with` block runs. It begins again every 20 J."""

    def __init__(self, folder, watts):
        self.zone, self.watts, self.over = zone(folder, "package-0", 0, 20_000_000), watts, threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.rise)
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def rise(self):
        start = time.monotonic()
        while not self.over.wait(0.002):
            new = self.zone / "new"
            new.write_text(f"{int((time.monotonic() - start) * self.watts * 1e6) % 20_000_000}\n")
            new.replace(self.zone / "energy_uj")


class Energy(program.TestCase):
    def test_a_counter_begins_again(self):
        counter = Counter(zone(self.folder / "intel-rapl:0", "package-0", 900_000, 1_000_000))
        counter.file.write_text("150000\n")
        self.assertAlmostEqual(counter.joules(), 0.25)
        counter.file.write_text("400000\n")
        self.assertAlmostEqual(counter.joules(), 0.5)

    def test_packages_and_memory_count_once(self):
        for name, what in (("intel-rapl:0", "package-0"), ("intel-rapl:0:0", "core"), ("intel-rapl:0:1", "dram"),
                           ("intel-rapl:1", "psys"), ("intel-rapl-mmio:0", "package-0")):
            zone(self.folder / "powercap" / name, what, 0)
        with Meter(self.folder / "powercap") as meter:
            start = time.time()
            for counter in (self.folder / "powercap").iterdir():
                (counter / "energy_uj").write_text("3000000\n")
        self.assertIsNone(meter.reason)
        self.assertAlmostEqual(meter.samples[-1][1], 6)
        self.assertAlmostEqual(meter.at(meter.samples[0][0]), 0)
        self.assertGreater(meter.watts(start, meter.samples[-1][0]), 0)

    def test_says_why_there_is_none(self):
        with Meter(self.folder / "none") as meter:
            pass
        self.assertIsNone(meter.watts(1, 2))
        self.assertEqual(meter.reason, f"{self.folder}/none has no counter")
        counter = zone(self.folder / "powercap/intel-rapl:0", "package-0", 0)
        (counter / "energy_uj").unlink()
        self.assertEqual(Meter(self.folder / "powercap").reason, f"{counter}/energy_uj: No such file or directory")


class Comparison(program.TestCase):
    characters = 620_000  # a little more than the script trains on

    def compare(self, *words):
        told = self.folder / "told.json"
        result = subprocess.run(
            [sys.executable, BENCH / "compare_pytorch.py", program.PROGRAM, self.corpus, "--models", "rnn", "--columns", "8", "--bptt", "4",
             "--rounds", "1", "--steps", "30", "--threads", "1", "--json", told, *map(str, words)],
            env=program.environment(), capture_output=True, text=True, timeout=program.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout, json.loads(told.read_text())

    def test_speed_and_cost(self):
        printed, told = self.compare("--variants", "eager", "high", "--dollars-per-hour", "3.6", "--powercap", self.folder / "none")
        self.assertIn(f"Energy is not measured: {self.folder}/none has no counter", printed)
        self.assertNotIn("joules", printed)
        rows = {row["variant"]: row for row in told["results"]}
        self.assertEqual(set(rows), {f"charrnn_dist{precision}{way}" for precision in ("", " tf32")
                                     for way in ("", ", a rank a core", ", whole train")} | {"PyTorch eager", "PyTorch high"})
        for name, row in rows.items():
            self.assertAlmostEqual(row["characters_per_second"] * row["milliseconds"], 8 * 4 * 1e3, msg=name)
            seconds = 1e9 / row["characters_per_second"]
            self.assertAlmostEqual(row["core_hours_per_billion"] * 3600 / seconds, 1, msg=name)
            self.assertAlmostEqual(row["dollars_per_billion"] * 1000 / seconds, 1, msg=name)  # a dollar is 1,000 seconds
            self.assertIsNone(row["joules_per_million"])
        best = min(rows["charrnn_dist"]["milliseconds"], rows["charrnn_dist, a rank a core"]["milliseconds"])
        eager = rows["PyTorch eager"]
        self.assertAlmostEqual(eager["ratios"]["fp32"], eager["milliseconds"] / best)
        self.assertAlmostEqual(eager["ratio_to_train"], eager["milliseconds"] / rows["charrnn_dist, whole train"]["milliseconds"])
        self.assertAlmostEqual(rows["charrnn_dist tf32, whole train"]["ratio_to_train"], 1)
        self.assertRegex(printed, r"\n\| rnn 1×256 \| 8 × 4 \| PyTorch high \| [\d.]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \| \d+ \|\n")
        self.assertRegex(printed, r"\n\| rnn 1×256 \| PyTorch eager \| [\d,]+ \| [\d.]+ \| [\d.]+ \| [\d.]+ \|\n")

    def test_energy(self):
        with Draw(self.folder / "powercap/intel-rapl:0", 30):
            printed, told = self.compare("--variants", "eager", "--powercap", self.folder / "powercap")
        self.assertNotIn("Energy is not measured", printed)
        self.assertNotIn("dollars", printed)
        for row in told["results"]:
            if "train" in row["variant"] or "PyTorch" in row["variant"]:
                self.assertAlmostEqual(row["watts"], 30, delta=6, msg=row["variant"])
                self.assertAlmostEqual(row["joules_per_million"] * row["characters_per_second"], row["watts"] * 1e6, delta=1)
            else:
                self.assertIsNone(row["watts"])
        self.assertRegex(printed, r"\n\| rnn 1×256 \| charrnn_dist, a rank a core \| [\d,]+ \| [\d.]+ \| [\d.]+ \| – \|\n")


if __name__ == "__main__":
    program.main()
