"""Energy that processors and their memory take while something runs, from Linux's power-capping counters (RAPL).

    with Meter() as meter:
        run_something()
    meter.watts(start, end)   # between two points of time.time(); None where there is no counter: meter.reason says why

The counters are the whole machine's: what else runs is counted, and what it takes at rest. Virtual machines mostly hide them,
and since 2020 only root may read them.
"""
import itertools
import threading
import time
from pathlib import Path

POWERCAP = "/sys/class/powercap"
EVERY = 0.05  # seconds between two readings; counters wrap after minutes


class Counter:
    """A counter of microjoules that begins again at its maximum."""

    def __init__(self, folder):
        self.file = folder / "energy_uj"
        self.range = int((folder / "max_energy_range_uj").read_text())
        self.last, self.total = int(self.file.read_text()), 0

    def joules(self):
        """Since it was made."""
        now = int(self.file.read_text())
        self.total += (now - self.last) % self.range
        self.last = now
        return self.total / 1e6


class Meter:
    def __init__(self, folder=POWERCAP):
        self.counters, self.samples, self.is_over = [], [], threading.Event()
        self.reason = f"{folder} has no counter"
        try:
            # Packages, and the memory of each; a package's cores are in it, and "psys", where there is one, has it all again.
            for zone in sorted(Path(folder).glob("intel-rapl:*")):
                if (zone / "name").read_text().startswith(("package", "dram")):
                    self.counters.append(Counter(zone))
                    self.reason = None
        except OSError as error:
            self.counters, self.reason = [], f"{error.filename}: {error.strerror}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.read_on)
        if self.counters:
            self.read()
            self.thread.start()
        return self

    def __exit__(self, *_):
        if self.counters:
            self.is_over.set()
            self.thread.join()
            self.read()

    def read(self):
        self.samples.append((time.time(), sum(counter.joules() for counter in self.counters)))

    def read_on(self):
        while not self.is_over.wait(EVERY):
            self.read()

    def at(self, when):
        """Joules up to a time within the measurement, between two readings in proportion."""
        for (early, before), (late, after) in itertools.pairwise(self.samples):
            if early <= when <= late:
                return before + (after - before) * (when - early) / (late - early)
        raise ValueError("not while the meter ran")

    def watts(self, start, end):
        return (self.at(end) - self.at(start)) / (end - start) if self.counters else None
