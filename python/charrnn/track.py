"""Follows a run's metrics.jsonl and forwards it to a service that keeps such curves."""
import json
import os
from pathlib import Path

from charrnn.command_line import DataError, reason
from charrnn.files import read_json, write_file
from charrnn.runs import BIT, Run, number, objects
from charrnn.services import SERVICES, Point

# Curves by the kind of event that tells of them: (name, field, what its value is divided by).
LOSS, BITS = "loss", "bits_per_character"
CURVES = {
    "step": [(f"{LOSS}/train", "loss", 1), (f"{BITS}/train", "loss", BIT), ("learning_rate", "learning_rate", 1),
             ("gradient_norm", "gradient_norm", 1), ("characters_per_second", "characters_per_second", 1),
             ("noise_scale", "noise_scale", 1)],
    "validation": [(f"{LOSS}/validation", "val_loss", 1), (f"{BITS}/validation", "val_loss", BIT)],
    "epoch": [(f"{LOSS}/validation", "val_loss", 1), (f"{BITS}/validation", "val_loss", BIT)],
}


def point_of(event):
    """What an event adds to the curves; None if nothing."""
    values = {name: number(event.get(field)) / unit for name, field, unit in CURVES.get(event.get("event"), [])
              if number(event.get(field)) is not None}
    if event.get("final"):  # of the whole validation part, while the others may be of a piece of it
        values = {name.replace("/validation", "/exact_validation"): value for name, value in values.items()}
    step = number(event.get("step"))
    return Point(int(step), number(event.get("time")) or 0, values) if values and step is not None else None


class Follower:
    """The events of a file that grows, and is replaced by a shorter one when its run goes on from an earlier step.

        follower = Follower("runs/first/metrics.jsonl")
        while True:
            for event in follower.events(): …
    """

    def __init__(self, path):
        self.path, self.file, self.offset = path, None, 0
        self.from_start = True  # whether the last events are those that the file begins with

    def events(self):
        """Those since the last call, in the order of the file; all from its beginning after it was replaced. A line that
        is still being written comes when it is whole."""
        try:
            with open(self.path, "rb") as file:
                status = os.fstat(file.fileno())
                identity = (status.st_dev, status.st_ino)
                if identity != self.file or status.st_size < self.offset:
                    self.file, self.offset = identity, 0
                self.from_start = self.offset == 0
                file.seek(self.offset)
                whole = file.read()
        except OSError as error:
            raise DataError(f"cannot read '{self.path}': {reason(error)}") from None
        whole = whole[:whole.rfind(b"\n") + 1]
        self.offset += len(whole)
        return list(objects(whole.decode(errors="replace")))


class Memory:
    """Which run of the service this one is, and up to which step each kind of event has been sent: in a file of the run's
    folder, so that the same command can go on later. Steps that come again after a resume are not sent twice."""

    def __init__(self, folder, service, began):
        """`began`: when the run did. What is remembered of another run that was in the folder before is forgotten."""
        self.path, self.began, self.id, self.sent = Path(folder) / f"track-{service}.json", began, None, {}
        known = read_json(self.path) if self.path.exists() else {}
        if isinstance(known, dict) and known.get("began") == began:
            sent = known.get("sent")
            self.id = known.get("id")
            self.sent = {kind: step for kind, step in sent.items() if number(step) is not None} if isinstance(sent, dict) else {}

    def take_new(self, events):
        """The points of those events that have not been sent, which counts as done now."""
        points = []
        for event in events:
            kind, point = event.get("event"), point_of(event)
            if point is None or point.step <= self.sent.get(kind, -1):
                continue
            self.sent[kind] = point.step
            points.append(point)
        return points

    def save(self):
        write_file(self.path, json.dumps({"began": self.began, "id": self.id, "sent": self.sent}) + "\n")


class Tracker:
    """Sends what is there, then what comes, until the run ends.

        Tracker("runs/first", "mlflow", "my project").follow(threading.Event())
    """

    def __init__(self, path, service, project):
        """`path` of a run's folder or its metrics.jsonl; `service` one of SERVICES. DataError, UsageError."""
        self.path, self.label = path, service
        self.make = SERVICES[service](project)
        self.follower = Follower(Run(path).path)
        self.memory = self.service = None

    def follow(self, stop):
        """Until an attempt ends, or `stop` is set. Returns its exit code, None if it has not ended."""
        code = None
        try:
            while code is None and not stop.is_set():
                code = self.send_new()
                if code is None:
                    stop.wait(1)
        finally:
            if self.service:
                self.call(self.service.finish, code)
        return code

    def send_new(self):
        """Sends what has come since the last call. The exit code of the attempt if that has ended, else None."""
        events = self.follower.events()
        if events and self.follower.from_start:
            self.begin(number(events[0].get("time")))
        points = self.memory.take_new(events) if self.memory else []
        if points:
            self.call(self.service.log, points)
            self.memory.save()
        attempts = [event for event in events if event.get("event") in ("run", "end")]
        return attempts[-1].get("exit_code") if attempts and attempts[-1]["event"] == "end" else None

    def begin(self, began):
        """At the beginning of the file, which may be that of another run than before."""
        if self.memory and self.memory.began == began:
            return
        if self.service:
            self.call(self.service.finish, None)
        run = Run(self.path)
        self.memory = Memory(run.path.parent, self.label, began)
        self.service = self.call(self.make, run.name, run.options, self.memory.id)
        self.memory.id = self.service.id
        self.memory.save()

    def call(self, work, *arguments):
        """What goes wrong there, such as a lost connection, is outside of our code."""
        try:
            return work(*arguments)
        except Exception as error:  # each service has exceptions of its own
            line = (str(error).splitlines() or [type(error).__name__])[0]
            raise DataError(f"{self.label}: {line}; the same command goes on from here") from error
