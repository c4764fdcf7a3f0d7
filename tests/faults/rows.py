"""A row of the table: a fault, how to inject it once, and what has to come of it."""
import dataclasses
import random
from typing import Callable, Optional


@dataclasses.dataclass
class Outcome:
    """What came of one injection. An injection that went wrong raises AssertionError instead."""
    seconds: Optional[float] = None  # from the fault until it was noticed: ranks gone, line printed
    lost: Optional[int] = None  # steps that have to be done again
    times: int = 1  # how many injections this stands for
    note: str = ""  # for the result column, of the injection that was noticed last


@dataclasses.dataclass
class Row:
    fault: str
    how: str
    inject: Callable  # (bench, number of the injection from 0 on) -> Outcome
    result: str  # what every injection has shown if none failed
    short: int = 1  # how often
    long: int = 1
    promise: Optional[float] = None  # seconds until it is noticed
    needs: Callable = lambda: None  # why it cannot be injected here, or None


class Skip(Exception):
    """This machine has no way to inject the fault."""


def dice(row, number):
    """Random numbers of one injection, the same in every run of the tool."""
    return random.Random(f"{row} {number}")
