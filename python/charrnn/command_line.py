"""How the commands in Python end: like the program, with its exit codes and one line for what is wrong."""
import argparse
import os
import sys


class Error(Exception):
    """Something outside of our own code; its text is one line: what, where, how to fix it."""


class UsageError(Error):
    code = 2


class DataError(Error):
    code = 65


class Parser(argparse.ArgumentParser):
    def __init__(self, name, description, examples):
        super().__init__(prog=name, description=description, epilog=examples, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        raise UsageError(f"{message} (see {self.prog} --help)")


def reason(error):
    """Of an OSError, without the file's name."""
    return error.strerror or str(error)


def _forget_output(code):
    """What could not be written must not be tried again when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code


def start(name, main):
    """Runs main() and ends the process with the exit code that it returns."""
    try:
        code = main()
        sys.stdout.flush()
    except Error as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        code = error.code
    except BrokenPipeError:  # who read our output has seen enough
        code = _forget_output(0)
    except OSError as error:
        print(f"{name}: error: cannot write to {error.filename or 'standard output'}: {reason(error)}", file=sys.stderr)
        code = _forget_output(DataError.code)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
