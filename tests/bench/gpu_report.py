"""The report on a GPU, tried with tiny models on the CPU: what it measures, leaves out and writes."""
import json
import subprocess
import sys
import unittest
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "e2e"), str(Path(__file__).resolve().parents[2] / "bench")]
import gpu_page
import gpu_report
import pages
import program

REPORT = Path(__file__).resolve().parents[2] / "bench/gpu_report.py"
# As `nsys stats --report cuda_gpu_kern_sum --format csv` of version 2025.1 prints it.
LISTING = '''Processing [steps.sqlite] with [cuda_gpu_kern_sum.py]...

Time (%),Total Time (ns),Instances,Avg (ns),Med (ns),Min (ns),Max (ns),StdDev (ns),Name
71.5,3000500,12,250041.7,250000.0,249000,251000,500.1,"void gemm<float, 128>(T1 *, const T1 *)"
28.5,1200000,6,200000.0,200000.0,199000,201000,400.0,elemWiseRNNcell
'''


class Report(program.TestCase):
    def setUp(self):
        super().setUp()
        self.page, self.json = self.folder / "page.md", self.folder / "report.json"
        self.page.write_text("before\n<!-- gpu_report: begin, by a program -->\nold\n<!-- gpu_report: end -->\nafter\n")

    def report(self, *words):
        result = subprocess.run([sys.executable, REPORT, *map(str, words), "--page", self.page], env=program.environment(),
                                capture_output=True, text=True, timeout=program.PATIENCE)
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.page.read_text()

    def test_measures_and_writes(self):
        written = self.report(program.PROGRAM, "--cpu", "--json", self.json)
        found = json.loads(self.json.read_text())
        self.assertEqual([cell["shape"]["model"] for cell in found["cells"]], ["lstm", "gru"])
        for cell in found["cells"]:
            for way in ("fp32", "tf32", "default"):
                milliseconds, rate, flops, share = gpu_page.speed(found, cell, way)
                self.assertAlmostEqual(rate * milliseconds / 1e3, 16)  # 4 columns of 4 rows
                self.assertGreater(share, 0)
            self.assertIn("computes in bf16 on GPUs only", cell["ways"]["bf16"]["error"])
        self.assertRegex(written, r"^before\n<!-- gpu_report: begin, by a program -->\n\*\*CPU\*\*, ")
        self.assertRegex(written, r"this is a trial on a CPU.*\.\n<!-- gpu_report: end -->\nafter\n$")
        self.assertNotIn("old", written)
        self.assertIn("aten::", written)  # what a step runs
        self.page.write_text("before\n<!-- gpu_report: begin, by a program -->\n<!-- gpu_report: end -->\nafter\n")
        self.assertEqual(self.report("--from", self.json), written)
        self.assertEqual(self.report("--from", self.json), written)

    def test_stops_in_time_and_names_what_is_missing(self):
        written = self.report(program.PROGRAM, "--cpu", "--json", self.json, "--seconds", 1)
        self.assertEqual(len(json.loads(self.json.read_text())["cells"]), 2)
        self.assertIn("GRU 2×16, 4 columns, PyTorch default (no time left)", written)

    def test_counts_operations_as_the_program_does(self):
        for model in ("lstm", "gru"):
            words = ["--model", model, "--layers", 2, "--hidden", 48, "--columns", 4, "--threads", 1, "--full-vocabulary"]
            told = json.loads(program.run("bench", "--corpus", self.corpus, *words, "--engine", "torch", "--steps", 3, "--json").stdout)
            one = told["engines"][0]
            counted = one["mfu"] * told["gflop_per_second"] * 1e9 / one["characters_per_second"]
            symbols = len(set(self.text)) + 1
            self.assertAlmostEqual(gpu_page.flop_per_character({"model": model, "layers": 2, "hidden": 48}, symbols), counted, delta=1e-6 * counted)


class Pieces(unittest.TestCase):
    def test_kernels_from_nsys(self):
        self.assertEqual(gpu_report.kernels_of(LISTING), [["void gemm<float, 128>(T1 *, const T1 *)", 12, 3000.5], ["elemWiseRNNcell", 6, 1200.0]])
        self.assertEqual(gpu_report.kernels_of("SKIPPED: does not contain CUDA kernel data.\n"), [])

    def test_a_page_without_the_place(self):
        with self.assertRaisesRegex(SystemExit, "lacks the lines between which gpu_report writes"):
            pages.put(REPORT, "gpu_report", "x")


if __name__ == "__main__":
    program.main()
