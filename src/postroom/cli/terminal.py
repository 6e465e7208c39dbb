"""Talking to people: lines, tables, passwords."""

import getpass
import sys
from collections.abc import Sequence

from postroom.errors import bad_parameter


def say(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(f"{text}\n")


def warn(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"postroom: {text}\n")


def complain(message: str, private: str = "") -> None:
    """Say what went wrong, a line for each line of the message; ``private`` is what only the operator may know."""
    lines = message.splitlines() or ["failed"]
    if private:
        lines[-1] += f" ({private})"
    sys.stdout.flush()
    for line in lines:
        warn(line)


def say_table(rows: Sequence[Sequence[str]]) -> None:
    """Write rows of texts, in columns of equal width."""
    if not rows:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def read_password(*, from_stdin: bool) -> str:
    """Return a password: all of standard input but for the last line end, or typed twice on a terminal.

    Raises: badParameter, where there is no terminal, none is typed, the two differ, or it is not UTF-8.
    """
    if sys.stdin.isatty():
        try:
            password = getpass.getpass("Password: ")
            again = getpass.getpass("Password again: ")
        except EOFError:
            raise bad_parameter("password", "no password was given") from None
        if again != password:
            raise bad_parameter("password", "the two passwords differ")
        return password
    if not from_stdin:
        hint = (
            "there is no terminal to ask for a password on; pass it on standard input with --password-stdin"
        )
        raise bad_parameter("password", hint)
    try:
        password = sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise bad_parameter("password", "the password is not valid UTF-8") from None
    return password.removesuffix("\n").removesuffix("\r")
