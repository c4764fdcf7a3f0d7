"""Draws the loss curves of runs as one SVG picture, from their metrics.jsonl.

usage: plot.py RUN_FOLDER… -o PICTURE.svg [--limit NATS]

Solid: validation loss at the end of every epoch; dashed: training loss. --limit draws a level that no model can beat.
"""
import argparse
import json
from pathlib import Path

COLOURS = ["#1b6ca8", "#c8553d", "#3a7d44", "#7b4fa3", "#b08900"]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 400, 62, 150, 20, 46


def epochs_of(run):
    lines = (Path(run) / "metrics.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "epoch"]


def ticks(low, high, wanted=6):
    """Round numbers between low and high."""
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if (high - low) / s <= wanted)
    first = -(-low // step)
    return [round((first + i) * step, 6) for i in range(int((high - first * step) / step + 1e-9) + 1)]


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("runs", nargs="+")
parser.add_argument("-o", "--output", required=True)
parser.add_argument("--limit", type=float)
arguments = parser.parse_args()

curves = {Path(run).name: epochs_of(run) for run in arguments.runs}
losses = [e[key] for events in curves.values() for e in events for key in ("train_loss", "val_loss") if e[key] is not None]
low, high = min(losses + ([arguments.limit] if arguments.limit else [])) - 0.03, max(losses) + 0.03
last = max(len(events) for events in curves.values())


def x(epoch):
    return LEFT + (WIDTH - LEFT - RIGHT) * (epoch - 1) / max(last - 1, 1)


def y(loss):
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - loss) / (high - low)


parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
         f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
for loss in ticks(low, high):
    parts.append(f'<path d="M{LEFT} {y(loss):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
                 f'<text x="{LEFT - 8}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:g}</text>')
for epoch in sorted({max(1, round(t)) for t in ticks(1, last, 10)}):
    parts.append(f'<text x="{x(epoch):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{epoch}</text>')
parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">epochs</text>'
             f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">'
             'loss, nats per character</text>')
if arguments.limit:
    parts.append(f'<path d="M{LEFT} {y(arguments.limit):.1f}H{WIDTH - RIGHT}" stroke="#444" stroke-dasharray="2 3"/>'
                 f'<text x="{WIDTH - RIGHT + 8}" y="{y(arguments.limit) + 4:.1f}">limit {arguments.limit:.4f}</text>')
for (name, events), colour in zip(curves.items(), COLOURS * len(curves)):
    for key, dash in (("train_loss", ' stroke-dasharray="5 4" opacity="0.6"'), ("val_loss", "")):
        points = " ".join(f"{x(i + 1):.1f},{y(e[key]):.1f}" for i, e in enumerate(events) if e[key] is not None)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
    end = events[-1]["val_loss"]
    if end is not None:
        parts.append(f'<text x="{x(len(events)) + 8:.1f}" y="{y(end) + 4:.1f}" fill="{colour}">{name} {end:.4f}</text>')
parts.append("</svg>")
Path(arguments.output).write_text("\n".join(parts) + "\n")
