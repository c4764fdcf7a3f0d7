"""charrnn_core stands alone: it is configured without MPI and spdlog, and what it is made of includes nothing of theirs, and
nothing of the program's rooms."""
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

BUILD = program.PROGRAM.parent
TESTS = {"base_test", "config_test", "data_test", "models_test", "recurrence_test", "torch_test", "host_threads_test", "sample_test",
         "examples_test", "train_test", "checkpoint_test"}


def check(*words):
    return subprocess.run([*map(str, words)], check=True, capture_output=True, text=True).stdout


class CoreAlone(unittest.TestCase):
    def test_configures_without_mpi_and_spdlog(self):
        cache = dict(re.findall(r"(?m)^(\w+):\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text()))
        with tempfile.TemporaryDirectory(prefix="charrnn_core_") as folder:
            check("cmake", "-G", "Ninja", "-S", program.SOURCE, "-B", folder, "-DCHARRNN_PROGRAM=OFF",
                  "-DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON", "-DCMAKE_DISABLE_FIND_PACKAGE_spdlog=ON",
                  f"-DLibTorch_INCLUDE_DIR={cache['LibTorch_INCLUDE_DIR']}", f"-DCMAKE_CXX_COMPILER={cache['CMAKE_CXX_COMPILER']}")
            self.assertEqual(set(re.findall(r"Test +#\d+: (\S+)", check("ctest", "--test-dir", folder, "-N"))), TESTS)

    def test_includes_nothing_of_the_program(self):
        dependencies = check("ninja", "-C", BUILD, "-t", "deps")
        included = {}
        for target in re.split(r"\n\n", dependencies):
            target, *files = target.split("\n")
            if match := re.match(r"CMakeFiles/charrnn_(?:core|torch|kernels_\w+)\.dir/(\S+): ", target):
                included[match[1]] = [file.strip() for file in files]
        self.assertGreater(len(included), 80)
        for source, files in included.items():
            for file in files:
                self.assertNotRegex(file, r"/(mpi\.h|spdlog/|CLI/)|/src/(app|report)/|/src/dist/(mpi|nccl|gradient_c|launcher|gpu_check)",
                                    source)


if __name__ == "__main__":
    program.main()
