"""Every picture of the project: losses of runs, a sweep of learning rates, the report of launch/reproduce.

A picture is a function that makes a matplotlib figure; save() gives it the style that all share and writes the file:

    pictures.save("losses.svg", pictures.losses, [Run("runs/first")])
"""
import contextlib
import io
import logging
import warnings
from pathlib import Path

from charrnn.command_line import DataError, UsageError
from charrnn.files import write_file
from charrnn.runs import BIT, number

# Okabe and Ito's palette, which colour-blind people can tell apart; without its yellow, too light on white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
GREY, MARKERS = "#555555", "os^Dv"
STYLE = {
    # White, not transparent: readable where the page around it is dark.
    "figure.facecolor": "white", "savefig.facecolor": "white", "axes.edgecolor": GREY, "axes.spines.top": False,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#dddddd", "grid.linewidth": 0.8,
    "font.size": 10, "axes.titlesize": 10, "legend.fontsize": 9, "legend.title_fontsize": 9, "legend.frameon": False,
    "lines.linewidth": 1.8, "lines.markersize": 5, "figure.constrained_layout.use": True, "savefig.dpi": 150,
    "svg.fonttype": "none", "svg.hashsalt": "charrnn",  # the same numbers make the same file
    "text.parse_math": False,  # names may have dollars
}
FORMATS = ("svg", "png", "pdf")
LOSS, BITS = "loss, nats per character", "bits per character"


@contextlib.contextmanager
def style():
    """Figures are made and drawn inside of it. UsageError without matplotlib."""
    try:
        import matplotlib
    except ImportError as error:
        raise UsageError(f"pictures need matplotlib ({error}): run launch/install, or apt install python3-matplotlib") from None
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # not that it looks for fonts
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # glyphs that the font lacks, axes of one point
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def save(path, draw, *what, **how):
    """Writes the figure that draw(*what, **how) makes, in the format that the file's ending names."""
    path = Path(path)
    form = path.suffix[1:].lower()
    if form not in FORMATS:
        raise UsageError(f"'{path}' does not end in .{', .'.join(FORMATS)}: the ending chooses the format")
    with style():
        picture = io.BytesIO()
        draw(*what, **how).savefig(picture, format=form, metadata={"Date": None} if form == "svg" else None)
    write_file(path, picture.getvalue())


def panels(count, across, size, **how):
    """A figure of `count` axes, `across` in a row, each of `size` inches; the axes in a list."""
    from matplotlib.figure import Figure

    across = min(across, count)
    down = -(-count // across)
    figure = Figure(figsize=(size[0] * across, size[1] * down))
    axes = figure.subplots(down, across, squeeze=False, **how).flat
    for unused in axes[count:]:
        unused.remove()
    return figure, axes[:count]


def losses(runs, by="step", limit=None):
    """Training and validation losses of runs. By step, the training losses are those of single steps; by epoch, the means
    of epochs. `limit`: a loss that no model can beat."""
    from matplotlib.lines import Line2D

    names = _names(runs)
    across = 110 // (16 + max(len(name) for name in names))  # entries of the legend that fit side by side
    figure, (axes,) = panels(1, 1, (9.5, 4.3 + 0.2 * -(-len(runs) // across)))
    training_look = {"linewidth": 1.2, "alpha": 0.5, "linestyle": "-" if by == "step" else "--"}
    lines, everything = [], []
    for i, (run, name) in enumerate(zip(runs, names)):
        if by == "step":
            training, validation = run.training, run.validation
        else:
            training, validation = run.by_epoch("train_loss"), run.by_epoch("val_loss")
        if not training and not validation:
            raise DataError(f"nothing to draw: '{run.path}' has no "
                            + ("losses yet" if by == "step" else "epoch that ended; draw it by step"))
        look = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i // len(COLOURS) % len(MARKERS)]}
        axes.plot(*_columns(training), **look, **training_look, markersize=3.5, gid=f"training {run.name}",
                  markevery=_marked(training, most=1 if by == "step" else 40))
        axes.plot(*_columns(validation), **look, gid=f"validation {run.name}", markevery=_marked(validation, most=40))
        best = min((loss for _, loss in validation), default=None)
        lines.append(Line2D([], [], **look, label=name if best is None else f"{name}  {best:.4f}"))
        everything += [loss for _, loss in validation] + _without_peaks([loss for _, loss in training])
    keys = [Line2D([], [], color=GREY, marker="o", label="validation"),
            Line2D([], [], color=GREY, **training_look, label="training" if by == "step" else "training, mean of the epoch")]
    if limit is not None:
        keys.append(axes.axhline(limit, color=GREY, linestyle=":", label=f"limit  {limit:.4f}", gid="limit"))
        everything.append(limit)
    _from_to(axes, min(everything), max(everything))
    axes.set(xlabel="step" if by == "step" else "epochs", ylabel=LOSS)
    _whole_numbers(axes)
    _bits_beside(axes)
    figure.legend(handles=lines, loc="outside upper center", ncols=across, title="runs, best validation loss")
    figure.legend(handles=keys, loc="outside lower center", ncols=3)
    return figure


def learning_rates(found):
    """What lr-find wrote: the loss over the learning rate, and the rate that it suggests."""
    def line(key):
        points = [(number(point.get("learning_rate")), number(point.get(key))) for point in found["points"]]
        return [(rate, loss) for rate, loss in points if rate and rate > 0 and loss is not None]

    steps, smoothed = line("loss"), line("smoothed")
    if not steps:
        raise DataError("nothing to draw: the sweep has no points")
    figure, (axes,) = panels(1, 1, (8, 4.5))
    axes.set_xscale("log")
    look = {"color": COLOURS[0], "marker": "o" if len(steps) == 1 else ""}
    axes.plot(*_columns(steps), **look, alpha=0.4, linewidth=1.2, label="loss of each step", gid="loss")
    axes.plot(*_columns(smoothed), **look, label="smoothed", gid="smoothed")
    suggestion = number(found.get("suggestion"))
    if suggestion and suggestion > 0:
        axes.axvline(suggestion, color=COLOURS[1], linestyle="--", label=f"suggestion  {suggestion:.2g}", gid="suggestion")
    # Where it explodes there is nothing to see but how high it goes.
    most = max(1.25 * steps[0][1], min(loss for _, loss in steps))
    shown = [loss for _, loss in steps + smoothed if loss <= most]
    _from_to(axes, min(shown), max(shown))
    axes.set(xlabel="learning rate", ylabel=LOSS)
    _powers(axes.xaxis)
    _bits_beside(axes)
    figure.legend(loc="outside upper center", ncols=3)
    return figure


def report(runs):
    """Runs of a reproduce.json, each in a panel: ours as lines, what the notebook printed as open marks."""
    if not runs:
        raise DataError("nothing to draw: the report has no runs")
    width = {1: 6.5, 2: 4.8}.get(len(runs), 3.6)
    figure, axes = panels(len(runs), 3, (width, 3.3), sharey="row")
    training = {"alpha": 0.5, "linewidth": 1.2, "markersize": 4}
    notebook = {"color": COLOURS[1], "linestyle": "", "fillstyle": "none"}
    curves = {"val_loss": ("charrnn_dist, validation", {"color": COLOURS[0], "marker": "."}),
              "notebook_val_loss": ("notebook, validation", {**notebook, "marker": "o"}),
              "train_loss_smoothed": ("charrnn_dist, training",
                                      {**training, "color": COLOURS[0], "marker": ".", "linestyle": "--"}),
              "notebook_train_loss": ("notebook, training", {**training, **notebook, "marker": "s"})}
    handles = {}
    for panel, run in zip(axes, runs):
        panel.set(title=_title(run), xlabel="epochs")
        for key, (label, look) in curves.items():
            points = [(i + 1, number(epoch.get(key))) for i, epoch in enumerate(run["epochs"])]
            points = [(x, y) for x, y in points if y is not None]
            if points:
                handles[label], = panel.plot(*_columns(points), **look, label=label, gid=f"{key} {run['name']}")
        if not run["epochs"]:
            panel.text(0.5, 0.5, "no epoch has ended yet", transform=panel.transAxes, ha="center", color=GREY)
        _whole_numbers(panel)
        place = panel.get_subplotspec()
        if place.is_first_col():
            panel.set_ylabel(LOSS)
        if place.is_last_col() or panel is axes[-1]:
            _bits_beside(panel)
    ordered = [handles[label] for label, _ in curves.values() if label in handles]
    if ordered:
        figure.legend(handles=ordered, loc="outside upper center", ncols=2 if len(axes) < 3 else 4)
    return figure


def _title(run):
    loss, printed = (number(run["final"].get(key)) for key in ("loss", "notebook"))
    return run["name"] + (f"\n{loss:.4f} (notebook {printed:.4f})" if loss is not None and printed is not None else "")


def _names(runs):
    """The runs' names, or their paths where names are the same; long ones without their middle."""
    names = [run.name for run in runs]
    names = [str(run.path.parent) if names.count(run.name) > 1 else run.name for run in runs]
    return [name if len(name) <= 30 else f"{name[:12]} … {name[-15:]}" for name in names]


def _columns(points):
    return [x for x, _ in points], [y for _, y in points]


def _marked(points, most):
    """Which points get a mark: all, unless there are so many that their marks would cover the line."""
    return None if len(points) <= most else []


def _without_peaks(values):
    """Without the highest fiftieth: a run begins high, and what follows is what one looks at."""
    return sorted(values)[:max(1, len(values) - len(values) // 50)]


def _from_to(axes, low, high):
    margin = 0.04 * (high - low) or 0.05
    axes.set_ylim(low - margin, high + margin)


def _whole_numbers(axes):
    from matplotlib import ticker

    low, high = axes.dataLim.intervalx
    if low == high:
        axes.set_xlim(low - 1, high + 1)
    axes.xaxis.set(major_locator=ticker.MaxNLocator(nbins="auto", integer=True, min_n_ticks=1),
                   major_formatter=ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _powers(axis):
    """Powers of ten, and their halves and fifths where there are few of them."""
    from matplotlib import ticker

    low, high = axis.get_view_interval()
    axis.set(major_locator=ticker.LogLocator(subs=(1,) if high > 100 * low else (1, 2, 5)),
             major_formatter=ticker.FuncFormatter(lambda value, _: f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")),
             minor_formatter=ticker.NullFormatter())


def _bits_beside(axes):
    axes.secondary_yaxis("right", functions=(lambda nats: nats / BIT, lambda bits: bits * BIT)).set_ylabel(BITS)
