"""absent_rank.py PROGRAM [RANKS…]: every collective with a rank that stays away, on 2, 3 and 4 ranks or those given, and two of
them with a rank that came to the same collective before (see absent_rank.cpp)."""
import concurrent.futures
import os
import subprocess
import sys
from pathlib import Path

program = Path(os.environ["CHARRNN_BUILD"]) / "tests" / sys.argv[1]
mpirun = os.environ["CHARRNN_MPIRUN"]
collectives = ["all_reduce_sum", "all_reduce_sum_double", "all_reduce_sum_begun", "all_reduce_sum_of_layers",
               "all_reduce_sum_queued",
               "all_to_all", "all_to_all_begun", "all_gather", "gather", "broadcast", "barrier"]

again = ["all_reduce_sum_queued", "all_to_all_begun"]
sizes = list(map(int, sys.argv[2:] or (2, 3, 4)))
AT_ONCE = 6  # jobs: they mostly wait, for a deadline and for mpirun


def run(ranks, words):
    return subprocess.run([mpirun, "-np", str(ranks), program, *words], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)


failed = 0
cases = [(ranks, words) for ranks in sizes
         for words in [[one] for one in collectives] + [[one, "again"] for one in again if ranks == sizes[0]]]
with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
    for (ranks, words), result in zip(cases, pool.map(run, *zip(*cases))):
        if result.returncode == 77:
            print(result.stdout)
            pool.shutdown(cancel_futures=True)
            sys.exit(77)
        if result.returncode != 75:
            failed += 1
            print(f"{' '.join(words)} on {ranks} ranks: exit code {result.returncode}, not 75\n{result.stdout}{result.stderr}")
left = [name for name in os.listdir("/dev/shm") if name.startswith("nccl_double")]
if left:
    failed += 1
    print(f"left behind in /dev/shm: {left}")
sys.exit(1 if failed else 0)
