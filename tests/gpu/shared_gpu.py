"""Trainings whose ranks share one GPU: over NCCL, which host_name.c makes take them for nodes of their own, they must come to what
one rank comes to, and in reproducible mode to the same bits on any number of ranks, over MPI too. With --cpu the same over
MPI, for trying this where there is no GPU."""
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

CPU = "--cpu" in sys.argv
RANKS = (1, 2, 3, 4)
MODEL = ["--columns", 24, "--bptt", 10, "--model", "lstm", "--layers", 2, "--hidden", 64, "--dropout", 0.3, "--learning-rate",
         3e-3, "--max-steps", 40, *(["--device", "cpu"] if CPU else [])]
# NCCL looks for networks between nodes; here they are all on the loopback device. Few thread blocks: the ranks take turns.
NCCL = {"NCCL_SOCKET_IFNAME": "lo", "NCCL_NET": "Socket", "NCCL_IB_DISABLE": "1", "NCCL_MNNVL_ENABLE": "0", "NCCL_MAX_CTAS": "2",
        "NCCL_RAS_ENABLE": "0"}
LOSS_TOLERANCE = 1e-3  # float32 sums in another order, through tens of steps of Adam


def sharing(**more):
    names = program.PROGRAM.parent / "tests/libhost_name.so"
    return program.environment(LD_PRELOAD=str(names), **NCCL, **more)


class SharedGpu(program.TestCase):
    characters = 16_000

    def run_of(self, name, *words, ranks, env=None):
        """The folder of a run, after a look at what its ranks took each other for."""
        result = program.run(*self.train_words(name, *MODEL, *words), ranks=ranks, env=env or sharing())
        if ranks > 1 and not env:
            self.assertIn(f"of {ranks} node(s), gradients over {'MPI' if CPU else 'NCCL'}", result.stdout)
        return self.folder / "runs" / name

    def test_the_same_losses(self):
        alone = program.losses(self.run_of("alone", ranks=1))
        for ranks in RANKS[1:]:
            found = program.losses(self.run_of(f"on{ranks}", ranks=ranks))
            self.assertEqual(list(found), list(alone))
            for step, loss in alone.items():
                self.assertAlmostEqual(found[step], loss, delta=LOSS_TOLERANCE * loss, msg=f"{ranks} ranks, step {step}")

    def test_the_same_bits(self):
        words = ["--reproducible", "--micro-batches", 6]
        runs = [self.run_of(f"nccl{ranks}", *words, ranks=ranks) for ranks in RANKS]
        runs.append(self.run_of("mpi", *words, "--comm", "mpi", ranks=2, env=program.environment()))
        self.assertEqual(len({program.parameter_hash(run) for run in runs}), 1)

    def test_no_sums_in_the_switch(self):
        """They depend on who comes first. NCCL says what it may choose from."""
        if CPU:
            self.skipTest("NCCL works between GPUs")
        self.run_of("told", ranks=2, env=sharing(NCCL_DEBUG="INFO", NCCL_DEBUG_SUBSYS="INIT,ENV,TUNING", NCCL_DEBUG_FILE=str(self.folder / "nccl.%p")))
        told = "\n".join(path.read_text() for path in self.folder.glob("nccl.*"))
        print("\n".join(sorted({line.split("NCCL INFO ")[-1] for line in told.splitlines() if "NVLS" in line or "AllReduce" in line})))
        self.assertIn("NCCL_ALGO set by environment to ^NVLS,NVLSTree", told)


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--cpu"]
    if not CPU:
        program.need_gpu()
    os.environ.setdefault("OMPI_MCA_rmaps_base_oversubscribe", "1")
    program.main()
