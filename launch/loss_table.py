"""Prints a run's losses beside the limit that no model can beat.

usage: loss_table.py RUN_FOLDER [LIMITS]    (LIMITS: what `known_entropy --json` printed)
"""
import json
import math
import sys
from pathlib import Path

run = Path(sys.argv[1])
events = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
epochs = [event for event in events if event["event"] == "epoch"]
limits = json.loads(Path(sys.argv[2]).read_text()) if len(sys.argv) > 2 else None

print("epoch  train loss  validation loss  bits/char" + ("  above the limit" if limits else ""))
for event in epochs:
    loss = event["val_loss"]
    line = f"{event['epoch']:5}  {event['train_loss']:10.4f}  {loss:15.4f}  {loss / math.log(2):9.3f}"
    if limits:
        line += f"  {loss - limits['validation']['source_loss_nats']:+15.4f}"
    print(line)
if limits:
    part = limits["validation"]
    print(f"limit              {part['source_loss_nats']:15.4f}  {part['source_loss_nats'] / math.log(2):9.3f}")
    print(f"The limit is the loss of the source itself on this validation part. Its entropy rate is exactly\n"
          f"{limits['entropy_rate_nats']:.4f} nats per character; over {part['characters']:,} characters chance moves the source's "
          f"own loss by ±{part['standard_error_nats']:.4f}.")
