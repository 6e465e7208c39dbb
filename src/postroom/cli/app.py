"""The commands by name, and how the program ends.

Exit statuses: 0 all is well; 1 `postroom check` or `doctor` found something, or some messages could not be imported
or exported; 2 the command could not be carried out; 78 `postroom serve` cannot start before somebody puts something
right; 130 it was interrupted. Errors are lines on standard error that begin with `postroom:`; a traceback is shown
only where POSTROOM_TRACEBACK is set.
"""

import difflib
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Final

from cyclopts import App, CycloptsError, UnknownCommandError, UnusedCliTokensError

from postroom import __version__
from postroom.cli.terminal import complain
from postroom.errors import PostroomError

FAILED, INTERRUPTED = 2, 130
TRACEBACK: Final = "POSTROOM_TRACEBACK"

_COMMANDS = {
    "serve": ("server:serve", "Run the server until it is told to stop."),
    "init": ("server:init", "Make the data folder, the server key and the store, or bring them up to date."),
    "check": ("checking:check", "Verify the store: counters, contents, orphans, indexes."),
    "doctor": ("doctor:doctor", "Look at what the server needs, and say what to do about what is wrong."),
    "reindex": ("reindexing:reindex", "Rebuild what is computed from the messages, while the server runs."),
    "import": (
        "transfer:import_mail",
        "Bring mail into an account: mbox, Maildir, .eml files and folders of them.",
    ),
    "export": ("transfer:export_mail", "Write the mail of an account to a Maildir or an mbox file."),
    "backup": ("backups:backup", "Back up the store into a folder, while the server runs; verify backups."),
    "migrate-store": ("moving:migrate_store", "Move the store from one database into another."),
    "restore": ("backups:restore", "Restore the store, or one account, from a backup."),
}
_GROUPS = {
    "domain": (
        "Mail domains and domain aliases.",
        {
            "add": ("domains:add", "Add a domain, or an alias of one."),
            "list": ("domains:list_all", "List the domains."),
            "remove": ("domains:remove", "Remove a domain that has no addresses left."),
        },
    ),
    "account": (
        "Accounts and their aliases.",
        {
            "add": ("accounts:add", "Add an account with its folders."),
            "list": ("accounts:list_all", "List the accounts."),
            "show": ("accounts:show", "Show an account."),
            "set": ("accounts:set_account", "Change an account."),
            "audit": ("accounts:audit", "Show what happened to the security of an account."),
            "disable": ("accounts:disable", "Disable an account: no logins, no mail."),
            "enable": ("accounts:enable", "Enable a disabled account."),
            "remove": ("accounts:remove", "Remove an account with all its mail."),
        },
    ),
    "folder": (
        "What others may do in the folders of accounts.",
        {
            "grant": ("sharing:grant", "Say what somebody may do in a folder."),
            "revoke": ("sharing:revoke", "Take from somebody what he may do in a folder."),
            "list": ("sharing:list_grants", "List who may do what in a folder."),
        },
    ),
    "public": (
        "Public folders.",
        {
            "add": ("sharing:add_public", "Make a public folder."),
            "list": ("sharing:list_public", "List the public folders."),
            "remove": ("sharing:remove_public", "Remove a public folder with all in it."),
        },
    ),
    "queue": (
        "The outgoing queue.",
        {
            "list": ("queue:list_all", "List the messages that wait."),
            "show": ("queue:show", "Show a message with its recipients."),
            "retry": ("queue:retry", "Try a message, or all, at once."),
            "cancel": ("queue:cancel", "Send a message to nobody who has not got it."),
            "release": ("queue:release", "Send a message, or all, that a restore has held back."),
        },
    ),
    "dkim": (
        "Keys of DKIM, which sign outgoing mail.",
        {
            "generate": ("dkim:generate", "Make a key for a domain, and print its DNS record."),
            "show": ("dkim:show", "Print the DNS record of a domain's key."),
        },
    ),
    "keys": (
        "Server keys, which secrets in the store are encrypted with.",
        {
            "rotate": ("keys:rotate", "Make a new key, and encrypt everything with it."),
            "list": ("keys:list_all", "List the keys, and what is encrypted with each."),
        },
    ),
    "config": (
        "The configuration.",
        {
            "show": ("configuration:show", "Show the values in force, and where each comes from."),
            "check": ("configuration:check", "Say what is wrong with the configuration, if anything."),
            "manual": (
                "configuration:manual",
                "Print the manual page of all options (docs/configuration.md).",
            ),
        },
    ),
}


def build_app() -> App:
    """Return the program; commands that other packages bring are added to it by ``postroom.__main__``."""
    app = App(
        name="postroom",
        help="A mailbox server: mail in by LMTP, mailboxes out by an HTTP/JSON API.",
        version=__version__,
        help_format="plaintext",
        result_action="return_value",
        suppress_keyboard_interrupt=False,
    )
    _add_commands(app, _COMMANDS)
    for name, (text, commands) in _GROUPS.items():
        group = App(name=name, help=text)
        _add_commands(group, commands)
        app.command(group)
    return app


def _add_commands(app: App, commands: dict[str, tuple[str, str]]) -> None:
    for name, (place, text) in commands.items():
        app.command(f"postroom.cli.{place}", name=name, help=text)


def run(app: App, arguments: Sequence[str]) -> int:
    """Run the program and return its exit status."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may be no valid text
    try:
        status = app(list(arguments), exit_on_error=False, print_error=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except CycloptsError as error:
        return _fail(_describe_usage(error))
    except PostroomError as error:
        return _fail(error.message, error.private)
    except KeyboardInterrupt:
        _fail("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _fail(
            f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)
        )
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        return _fail(f"unexpected {type(error).__name__}: {error} (set {TRACEBACK}=1 to see where)")


def _describe_usage(error: CycloptsError) -> str:
    if isinstance(error, UnknownCommandError) and error.unused_tokens and error.app is not None:
        # The error's own text would load every command there is.
        names = [name for name in error.app if not name.startswith("-")]
        near = difflib.get_close_matches(error.unused_tokens[0], names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there is {', '.join(sorted(names))}"
        return f"unknown command {error.unused_tokens[0]}; {hint}"
    if isinstance(error, UnusedCliTokensError):
        return f"unexpected: {' '.join(error.unused_tokens or ())}"
    return str(error)


def _fail(message: str, private: str = "") -> int:
    """Say what went wrong, and return the status for it."""
    complain(message, private)
    return FAILED
