"""What a run tells in its metrics.jsonl, whatever became of the run."""
import json
import math
from pathlib import Path

from charrnn.command_line import DataError
from charrnn.files import read_json, read_text

BIT = math.log(2)  # in nats


def number(value):
    """The value if it can be drawn or counted with, else None: losses may be absent or not finite."""
    try:
        return value if isinstance(value, (int, float)) and math.isfinite(value) else None
    except OverflowError:
        return None


class Run:
    """The losses of a run, in nats per character.

    name        of its folder
    epochs      the objects of its ended epochs, as docs/ and metrics.jsonl name their fields
    training    [(step, loss)] of single steps
    validation  [(step, loss)], at epoch ends and between
    options     {key: value as TOML} of the last attempt
    events      all objects but those of single steps
    step        the last one in the file
    done        the same in epochs; None in files of older versions
    length      the epochs after which the schedule or max-steps ends the run, if max-epochs, patience or a signal does not do
                so before; None in files of older versions
    limit       the option that sets the last step of the last attempt: epochs, max-steps or max-epochs; None in files of older
                versions
    end         the object that tells how the last attempt ended; None if it has not
    """

    def __init__(self, path):
        """`path`: its folder or its metrics.jsonl. DataError if there is none."""
        folder = Path(path).parent if Path(path).name == "metrics.jsonl" else Path(path)
        if not folder.exists():
            raise DataError(f"there is no '{path}'")
        self.path, self.name = folder / "metrics.jsonl", folder.resolve().name
        if not self.path.exists():
            raise DataError(f"'{folder}' is not a run's folder: it has no metrics.jsonl")
        events = list(objects(read_text(self.path)))
        self.events = [event for event in events if event.get("event") != "step"]
        self.epochs = [event for event in events if event.get("event") == "epoch"]
        self.training = _points(events, ("step",), "loss")
        self.validation = _points(events, ("epoch", "validation"), "val_loss")
        self.step = max((number(event.get("step")) or 0 for event in events), default=0)
        attempts = [event for event in events if event.get("event") in ("run", "end")]
        self.end = attempts[-1] if attempts and attempts[-1]["event"] == "end" else None
        begins = [event for event in attempts if event["event"] == "run"]
        begin = begins[-1] if begins else {}
        self.options, self.limit = options_of(begin.get("config")), begin.get("limit")
        epoch = number(begin.get("steps_per_epoch"))
        self.done = self.step / epoch if epoch else None
        self.length = min(number(begin.get("total_steps")) or 0, limit_of(self.options, "max-steps")) / epoch if epoch else None

    def by_epoch(self, key):
        """[(epochs done, value)] of a field of the epochs."""
        return [(number(event.get("epoch")) + 1, number(event.get(key))) for event in self.epochs
                if number(event.get("epoch")) is not None and number(event.get(key)) is not None]


def options_of(config):
    """{key: value as TOML} of a config as the program writes it."""
    return dict(line.split(" = ", 1) for line in str(config).splitlines() if " = " in line)


def limit_of(options, key="max-epochs"):
    """Where this option ends a run; infinity if it does not."""
    try:
        return float(options.get(key, "0")) or math.inf
    except ValueError:
        return math.inf


def objects(text):
    """A line that was torn off, by a kill or because it is being written, is none; nor is one whose kind of event is no word."""
    for line in text.split("\n"):  # within a line JSON may have what Python takes for other line ends
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and isinstance(event.get("event", ""), str):
            yield event


def _points(events, kinds, key):
    points = [(number(event.get("step")), number(event.get(key))) for event in events if event.get("event") in kinds]
    return [(step, loss) for step, loss in points if step is not None and loss is not None]


class Limits:
    """What known_entropy --json says of a text: the losses that no model can beat."""

    def __init__(self, path):
        told = read_json(path)
        try:
            part = told["validation"]
            numbers = [number(one) for one in (told["entropy_rate_nats"], part["source_loss_nats"], part["standard_error_nats"],
                                               part["characters"])]
        except (KeyError, TypeError):
            numbers = [None]
        if None in numbers:
            raise DataError(f"'{path}' is not what known_entropy --json prints")
        self.entropy_rate, self.loss, self.error, self.characters = numbers


def table(run, limits=None):
    """The losses of a run's epochs, beside the limit that no model can beat."""
    def cell(value, width, form):
        return f"{'-' if value is None else format(value, form):>{width}}"

    lines = ["epoch  train loss  validation loss  bits/char" + ("  above the limit" if limits else "")]
    for event in run.epochs:
        loss = number(event.get("val_loss"))
        line = (f"{cell(number(event.get('epoch')), 5, '')}  {cell(number(event.get('train_loss')), 10, '.4f')}  "
                f"{cell(loss, 15, '.4f')}  {cell(loss and loss / BIT, 9, '.3f')}")
        lines.append(line + (f"  {cell(loss and loss - limits.loss, 15, '+.4f')}" if limits else ""))
    if not run.epochs:
        lines.append("no epoch has ended yet")
    if limits:
        lines.append(f"limit              {limits.loss:15.4f}  {limits.loss / BIT:9.3f}")
        lines.append(f"The limit is the loss of the source itself on this validation part. Its entropy rate is exactly\n"
                     f"{limits.entropy_rate:.4f} nats per character; over {limits.characters:,} characters chance moves the "
                     f"source's own loss by ±{limits.error:.4f}.")
    return "\n".join(lines)
