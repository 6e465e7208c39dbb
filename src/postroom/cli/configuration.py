"""`postroom config …`."""

import sys

from postroom.cli.options import DEFAULTS, Options
from postroom.cli.terminal import say


def show(*, options: Options = DEFAULTS) -> None:
    """Show the values in force as TOML, and where each comes from; secrets are hidden.

    Args:
        options: Where the configuration is.
    """
    from postroom.config.render import render_config  # noqa: PLC0415 (commands start quickly)

    sys.stdout.write(render_config(options.load()))


def check(*, options: Options = DEFAULTS) -> None:
    """Say what is wrong with the configuration, if anything.

    Args:
        options: Where the configuration is.
    """
    options.load()
    say("the configuration is good")


def manual() -> None:
    """Print the manual page of all options (docs/configuration.md)."""
    from postroom.config.render import render_manual  # noqa: PLC0415 (commands start quickly)

    sys.stdout.write(render_manual())
