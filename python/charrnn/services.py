"""Services that keep the curves of runs, behind one interface. Each is a package that its users have installed."""
import importlib
import sys
import time
from dataclasses import dataclass

from charrnn.command_line import UsageError


@dataclass
class Point:
    step: int
    time: float    # seconds since 1970
    values: dict   # {name of a curve: value}


class Service:
    """A run at a service. `known` is the id of one that is to go on; without it there will be a new one, with the run's name
    and options. `id` is what it can be found by again."""

    package = ""

    def __init__(self, project):
        try:
            self.module = importlib.import_module(self.package)
        except ImportError:
            raise UsageError(f"{self.package} is not installed here: {sys.executable} -m pip install {self.package}") from None
        self.project, self.id = project, None

    def __call__(self, name, options, known):
        self.begin(name, options, known)
        return self

    def begin(self, name, options, known):
        raise NotImplementedError

    def log(self, points):
        raise NotImplementedError

    def finish(self, code):
        """`code` is the program's exit code; None if the run goes on without us."""
        raise NotImplementedError


class Wandb(Service):
    package = "wandb"

    def begin(self, name, options, known):
        self.run = self.module.init(project=self.project, name=name, config=options, id=known, resume="allow")
        self.id = self.run.id

    def log(self, points):
        for point in points:
            self.run.log(point.values, step=point.step)

    def finish(self, code):
        self.run.finish(exit_code=code or 0)


class Mlflow(Service):
    package = "mlflow"

    def begin(self, name, options, known):
        self.client = self.module.MlflowClient()
        if known:
            self.id = known
            self.client.update_run(known, "RUNNING")
            return
        experiment = self.client.get_experiment_by_name(self.project)
        number = experiment.experiment_id if experiment else self.client.create_experiment(self.project)
        self.id = self.client.create_run(number, run_name=name).info.run_id
        for key, value in options.items():
            self.client.log_param(self.id, key, value)

    def log(self, points):
        metrics = [self.module.entities.Metric(name, value, int(point.time * 1000), point.step)
                   for point in points for name, value in point.values.items()]
        at_once = 1000  # the most that a server takes
        for first in range(0, len(metrics), at_once):
            self.client.log_batch(self.id, metrics=metrics[first:first + at_once])

    def finish(self, code):
        if code is not None:
            self.client.set_terminated(self.id, {0: "FINISHED", 75: "KILLED"}.get(code, "FAILED"))


class Trackio(Service):
    package = "trackio"

    def begin(self, name, options, known):
        # Runs are found by their names.
        self.id = known or f"{name}-{time.strftime('%m%d-%H%M%S')}"
        self.run = self.module.init(project=self.project, name=self.id, config=options, resume="must" if known else "never",
                                    embed=False, auto_log_gpu=False, auto_log_cpu=False)

    def log(self, points):
        for point in points:
            self.run.log(point.values, step=point.step)

    def finish(self, code):
        self.run.finish()


class Aim(Service):
    package = "aim"

    def begin(self, name, options, known):
        self.run = self.module.Run(run_hash=known, experiment=self.project, log_system_params=False)
        self.id = self.run.hash
        if not known:
            self.run.name, self.run["options"] = name, options

    def log(self, points):
        for point in points:
            for name, value in point.values.items():
                self.run.track(value, name=name, step=point.step)

    def finish(self, code):
        self.run.close()


SERVICES = {"wandb": Wandb, "mlflow": Mlflow, "trackio": Trackio, "aim": Aim}
