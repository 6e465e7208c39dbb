"""``python -m postroom.bench``: the benchmark without the rest of the command line."""

import sys

from cyclopts import App

from postroom.bench.command import bench

if __name__ == "__main__":
    app = App(name="postroom-bench", result_action="return_value")
    app.default(bench)
    sys.exit(app())
