"""Many runs in one table: what each came to, and in which options they differ."""
import textwrap
from pathlib import Path

from charrnn.runs import BIT, limit_of, number

# No columns, though they may differ: folder and name stand in the first one, and the state says where max-epochs ended a run.
OWN = ("run-dir", "name", "max-epochs")
FIXED = 5  # columns that are always there
STATES = {0: "done", 75: "stopped"}


def best_loss(run):
    """In nats per character; None without a validation."""
    losses = [loss for _, loss in run.validation]
    return (number(run.end.get("best_val_loss")) if run.end else None) or min(losses, default=None)


def state(run):
    if run.end is None:
        return "not ended"
    code = run.end.get("exit_code")
    if code == 0 and run.end.get("stopped_early") is True:
        return "stopped early"
    if code == 0 and run.limit == "max-epochs":
        return f"stopped at epoch {limit_of(run.options):.15g}"
    return STATES.get(code, f"failed ({code})")


def option(run, key):
    """Its value, as a person writes it. Texts by their names: a path says nothing of what is in it."""
    value = run.options.get(key, "-").strip('"')
    return Path(value).name if key == "corpus" else value


def differing(runs):
    """Keys of the options that have several values among these runs."""
    keys = dict.fromkeys(key for run in runs for key in run.options if key not in OWN)
    return [key for key in keys if len({option(run, key) for run in runs if run.options}) > 1]


def results(runs, width=None):
    """The table, the best run first. Columns: name, state, step, best validation loss in nats and bits per character, and
    the options that tell the runs apart: as many as fit into `width` characters, the others are named below."""
    keys = differing(runs)
    rows = [("run", "state", "step", "val loss", "val bpc", *keys)]
    for run in sorted(runs, key=lambda run: (best_loss(run) is None, best_loss(run))):
        loss = best_loss(run)
        rows.append((run.name, state(run), f"{run.step:,}", "-" if loss is None else f"{loss:.4f}",
                     "-" if loss is None else f"{loss / BIT:.3f}", *(option(run, key) for key in keys)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    shown = len(widths)
    while width and shown > FIXED and sum(widths[:shown]) + 2 * (shown - 1) > width:
        shown -= 1
    lines = ["  ".join(cell.ljust(size) if column < 2 else cell.rjust(size)
                       for column, (cell, size) in enumerate(zip(row[:shown], widths))).rstrip() for row in rows]
    if shown < len(widths):
        lines += textwrap.wrap(f"They also differ in {', '.join(keys[shown - FIXED:])}: the whole table goes into a file or "
                               "a pipe.", width)
    return "\n".join(lines)
