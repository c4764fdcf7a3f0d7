"""How the commands in Python end: like the program, with its exit codes and one line for what is wrong."""
import argparse
import contextlib
import os
import sys
from pathlib import Path


class Error(Exception):
    """Something outside of our own code; its text is one line: what, where, how to fix it."""


class UsageError(Error):
    code = 2


class DataError(Error):
    code = 65


def called():
    """What one types to run this script: launch/plot in a clone, charrnn_plot where it is installed."""
    name = Path(sys.argv[0]).name
    return name if name.startswith("charrnn_") else f"launch/{name}"


class Parser(argparse.ArgumentParser):
    """`%(prog)s` in the examples stands for what one types."""

    def __init__(self, description, examples):
        super().__init__(prog=called(), description=description, epilog=examples, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        raise UsageError(f"{message} (see {self.prog} --help)")


def reason(error):
    """Of an OSError, without the file's name."""
    return error.strerror or str(error)


def complain(line):
    """On standard error, if anybody still reads it."""
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)


def say(line):
    """On standard output, for commands whose result is files: they must not end for a screen that is lost."""
    try:
        print(line, flush=True)
    except OSError:
        _forget_output()


def _forget_output():
    """What could not be written must not be tried again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def start(main):
    """Runs main() and ends the process with the exit code that it returns."""
    try:
        code = main()
        sys.stdout.flush()
    except Error as error:
        complain(f"{called()}: error: {error}")
        code = error.code
    except BrokenPipeError:  # who read our output has seen enough
        _forget_output()
        code = 0
    except OSError as error:
        complain(f"{called()}: error: cannot write to {error.filename or 'standard output'}: {reason(error)}")
        _forget_output()
        code = DataError.code
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
