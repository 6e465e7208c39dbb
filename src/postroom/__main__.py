"""The program `postroom`: the command line, with the commands that lie above it in the order of imports."""

import os
import sys

from postroom.cli.app import build_app, run


def main() -> None:
    """Run the program and leave with its exit status."""
    # Whatever this program writes is mail, or a secret: its owner's alone.
    os.umask(0o077)
    app = build_app()
    app.command("postroom.bench.command:bench", name="bench", help="Measure the server on this machine.")
    sys.exit(run(app, sys.argv[1:]))


if __name__ == "__main__":
    main()
