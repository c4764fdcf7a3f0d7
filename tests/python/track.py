"""launch/track: the curves that a service has are those of metrics.jsonl, however the run and the tracking go."""
import importlib.util
import json
import math
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import program

MODEL = ["--columns", 4, "--bptt", 16, "--model", "gru", "--hidden", 12, "--log-every", 1]


class Tracking(program.TestCase):
    """What holds for every service; subclasses know one."""

    characters = 6_000
    service = None

    def setUp(self):
        super().setUp()
        self.environment = program.environment(**self.place())

    def track(self, run_folder, **how):
        return program.run(run_folder, "--to", self.service, "--project", "p", script="track", env=self.environment, **how)

    def expected(self, run_folder):
        """{curve: {step: value}}"""
        curves = {}
        for event in program.metrics(run_folder):
            if event["event"] == "step":
                for name, key in (("loss/train", "loss"), ("learning_rate", "learning_rate"), ("gradient_norm", "gradient_norm"),
                                  ("characters_per_second", "characters_per_second")):
                    curves.setdefault(name, {})[event["step"]] = event[key]
                curves.setdefault("bits_per_character/train", {})[event["step"]] = event["loss"] / math.log(2)
            elif event["event"] in ("validation", "epoch") and event["val_loss"] is not None:
                curves.setdefault("loss/validation", {})[event["step"]] = event["val_loss"]
                curves.setdefault("bits_per_character/validation", {})[event["step"]] = event["val_loss"] / math.log(2)
        return curves

    def check(self, run_folder, runs=1):
        found = self.runs()
        self.assertEqual(len(found), runs)
        expected = self.expected(run_folder)
        self.assertEqual(found[-1].keys(), expected.keys())
        for name, curve in expected.items():
            steps = [step for step, _ in found[-1][name]]
            self.assertEqual(len(steps), len(set(steps)), f"{name}: a step came twice")
            self.assertEqual(dict(found[-1][name]), curve)

    def test_a_run_that_has_ended(self):
        run_folder = self.train("run", *MODEL, "--epochs", 2)
        self.track(run_folder)
        self.check(run_folder)
        self.track(run_folder)  # nothing is sent twice
        self.check(run_folder)

    def test_follows_a_run_and_goes_on_after_a_stop(self):
        run_folder = self.folder / "runs/run"
        words = self.train_words("run", *MODEL, "--epochs", 100_000, "--validate-every", 40)
        with program.Running(self.folder, *words) as training:
            program.wait_for_step(run_folder, 5, training)
            with program.Running(self.folder, run_folder, "--to", self.service, "--project", "p", script="track",
                                 env=self.environment) as tracking:
                memory = run_folder / f"track-{self.service}.json"
                program.wait_until(lambda: memory.exists() and json.loads(memory.read_text())["sent"] or tracking.process.poll() is not None,
                                   "the first points")
                tracking.process.send_signal(signal.SIGTERM)
                self.assertEqual(tracking.wait(), 0, tracking.stderr)
                self.assertIn("the same command goes on", tracking.stderr)
            with program.Running(self.folder, run_folder, "--to", self.service, "--project", "p", script="track",
                                 env=self.environment) as tracking:
                training.process.send_signal(signal.SIGUSR1)
                self.assertEqual(training.wait(), 75)
                self.assertEqual(tracking.wait(), 0, tracking.stderr)
        self.check(run_folder)
        last = max(program.losses(run_folder))
        self.train("run", *MODEL, "--max-steps", last + 10, "--validate-every", 40, "--resume")
        self.track(run_folder)
        self.check(run_folder)

    def test_steps_that_come_again(self):
        """After a resume from an earlier step they are not sent twice, those that follow are."""
        run_folder = self.train("run", *MODEL, "--epochs", 3)
        self.track(run_folder)
        before = self.runs()[0]
        self.train("run", *MODEL, "--epochs", 4, "--resume", program.earliest_of(run_folder))
        self.track(run_folder)
        after, expected = self.runs()[0], self.expected(run_folder)
        for name, curve in expected.items():
            self.assertLess(len(before[name]), len(curve))
            self.assertEqual(after[name][:len(before[name])], before[name])
            self.assertEqual([step for step, _ in after[name]], sorted(curve))

    def test_odd_lines(self):
        """Of no event, of a kind that is no word, and with a character that others take for a line end."""
        run_folder = self.train("run", *MODEL, "--epochs", 1, "--max-steps", 5)
        self.track(run_folder)
        with (run_folder / "metrics.jsonl").open("a") as file:
            file.write('{"event": [], "step": 6}\n{"event": {"event": "step"}}\n[]\n' + "[" * 100_000 + "\n")
            for step in (6, 7):
                file.write(json.dumps({"event": "step", "step": step, "loss": 1, "note": "\u2028\x85"}, ensure_ascii=False) + "\n")
            file.write('{"event": "end", "exit_code": 0}\n')
        self.track(run_folder)
        self.assertEqual([step for step, _ in self.runs()[-1]["loss/train"]], [1, 2, 3, 4, 5, 6, 7])

    def test_a_damaged_memory(self):
        run_folder = self.train("run", *MODEL, "--epochs", 1, "--max-steps", 5)
        self.track(run_folder)
        memory = run_folder / f"track-{self.service}.json"
        known = json.loads(memory.read_text())
        for sent in (None, [], {"step": "x"}, {"step": [1]}):
            memory.write_text(json.dumps(known | {"sent": sent}))
            self.track(run_folder)

    def test_another_run_in_the_same_folder(self):
        run_folder = self.train("run", *MODEL, "--max-steps", 5)
        self.track(run_folder)
        for file in [*program.files_of(run_folder), run_folder / "metrics.jsonl", run_folder / "config.toml"]:
            file.unlink()
        self.train("run", *MODEL, "--max-steps", 8)
        self.track(run_folder)
        self.check(run_folder, runs=2)


class Mlflow(Tracking):
    service = "mlflow"

    def place(self):
        return {"MLFLOW_TRACKING_URI": (self.folder / "mlruns").as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}

    def runs(self):
        os.environ.update(self.place())
        import mlflow
        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name("p")
        found = []
        for run in client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"]):
            self.assertEqual(run.data.params["hidden"], "12")
            found.append({name: [(metric.step, metric.value) for metric in client.get_metric_history(run.info.run_id, name)]
                          for name in run.data.metrics})
        return found

    def test_how_it_ended(self):
        import mlflow
        run_folder = self.train("run", *MODEL, "--max-steps", 2)
        self.track(run_folder)
        self.runs()
        memory = json.loads((run_folder / "track-mlflow.json").read_text())
        self.assertEqual(mlflow.MlflowClient().get_run(memory["id"]).info.status, "FINISHED")


class Trackio(Tracking):
    service = "trackio"

    def place(self):
        return {"TRACKIO_DIR": str(self.folder / "trackio")}

    def runs(self):
        os.environ.update(self.place())
        import trackio.sqlite_storage
        from trackio.sqlite_storage import SQLiteStorage
        trackio.sqlite_storage.TRACKIO_DIR = self.folder / "trackio"
        found = []
        for name in sorted(SQLiteStorage.get_runs("p")):
            curves = {}
            for point in SQLiteStorage.get_logs("p", name):
                for key, value in point.items():
                    if key not in ("step", "timestamp"):
                        curves.setdefault(key, []).append((point["step"], value))
            found.append(curves)
        return found


class Errors(program.TestCase):
    def refuse(self, *words, code, says):
        result = program.run(*words, script="track", expect=code)
        self.assertEqual((result.stdout, result.stderr.count("\n")), ("", 1), result.stderr)
        self.assertIn(says, result.stderr)

    def test_one_line(self):
        if importlib.util.find_spec("aim") is None:
            self.refuse(self.folder, "--to", "aim", code=2, says="aim is not installed here: ")
        self.refuse(self.folder, "--to", "excel", code=2, says="invalid choice: 'excel'")
        self.refuse(self.folder, code=2, says="--to")


del Tracking  # unittest would run it
if __name__ == "__main__":
    for service in map(str.lower, sys.argv[1:]):  # names of classes
        if service in ("mlflow", "trackio") and importlib.util.find_spec(service) is None:
            print(f"skipped: {service} is not installed here")
            sys.exit(77)
    program.main()
