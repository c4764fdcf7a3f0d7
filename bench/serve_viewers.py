"""Do the viewers of `charrnn_dist serve` slow a training down? Trains the same run several times in turn: alone, with a server
that nobody looks at, and with one that VIEWERS clients look at as the page does. Prints the time of a step in each.

    bench/serve_viewers.py [--viewers 50] [--rounds 3] [--steps 2000] [--program build/release/charrnn_dist] CORPUS

Run it on a quiet machine. Clients and server have cores of their own only if the machine has some left over.
"""
import argparse
import http.client
import json
import re
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path


class Viewers:
    """Follow a run's events, and ask for the run every four seconds."""

    def __init__(self, port, run, count):
        self.port, self.run, self.stop = port, run, threading.Event()
        self.events = 0
        self.threads = [threading.Thread(target=work, daemon=True) for _ in range(count) for work in (self.follow, self.ask)]
        for thread in self.threads:
            thread.start()

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        return connection.getresponse()

    def follow(self):
        while not self.stop.is_set():
            response = self.get(f"/events?run={self.run}&from=")
            for line in iter(response.readline, b""):
                self.events += line.startswith(b"data")
                if self.stop.is_set():
                    break
            self.stop.wait(1)

    def ask(self):
        while not self.stop.wait(4):
            self.get(f"/api/runs/{self.run}").read()


def train(program, corpus, runs, name, steps):
    """Milliseconds of a step: the median over stretches of 100 steps, without the first."""
    subprocess.run([program, "train", "--corpus", corpus, "--run-dir", runs, "--name", name, "--model", "gru", "--hidden", "256",
                    "--columns", "32", "--bptt", "32", "--threads", "1", "--log-every", "100", "--max-steps", str(steps),
                    "--validate-characters", "2000", "--no-bptt-jitter"], check=True, capture_output=True)
    lines = map(json.loads, (Path(runs) / name / "metrics.jsonl").read_text().splitlines())
    times = [line["time"] for line in lines if line["event"] == "step"]
    return statistics.median(10 * (b - a) for a, b in zip(times[1:], times[2:]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--program", default="build/release/charrnn_dist")
    arguments = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as runs:
        for number in range(arguments.rounds):
            for what, viewers in (("alone", None), ("served", 0), (f"{arguments.viewers} viewers", arguments.viewers)):
                name = f"run{number}_{viewers}"
                server = watching = None
                if viewers is not None:
                    server = subprocess.Popen([arguments.program, "serve", runs, "--port", "0"], stdout=subprocess.PIPE, text=True)
                    port = int(re.search(r":(\d+)/", server.stdout.readline())[1])
                    (Path(runs) / name).mkdir()
                    watching = Viewers(port, name, viewers)
                found.setdefault(what, []).append(train(arguments.program, arguments.corpus, runs, name, arguments.steps))
                print(f"{what:12} {found[what][-1]:7.3f} ms/step" + (f", {watching.events} lines seen" if watching else ""), flush=True)
                if server is not None:
                    watching.stop.set()
                    server.terminate()
                    server.wait()
    alone = statistics.median(found["alone"])
    for what, times in found.items():
        print(f"{what:12} median {statistics.median(times):7.3f} ms/step, {100 * (statistics.median(times) / alone - 1):+.1f} %")


if __name__ == "__main__":
    main()
