"""``python -m postroom.demo``: what ``make run`` starts."""

import os
import sys
from pathlib import Path

from cyclopts import App

from postroom.demo.run import DemoOptions, run_demo

_DEFAULTS = DemoOptions()


def demo(
    *,
    data_dir: Path = _DEFAULTS.data_dir,
    http_listen: str = _DEFAULTS.http_listen,
    lmtp_listen: str = _DEFAULTS.lmtp_listen,
) -> int:
    """Serve a demonstration account with about 200 mails, made at the first run.

    Parameters
    ----------
    data_dir
        Folder of the demonstration; made if it is not there.
    http_listen
        Where the API listens; kept in the folder when it is made.
    lmtp_listen
        Where mail is taken; kept in the folder when it is made.
    """
    # The files hold mail and the password of the account: they are their owner's alone.
    os.umask(0o077)
    return run_demo(DemoOptions(data_dir, http_listen, lmtp_listen))


if __name__ == "__main__":
    app = App(name="postroom-demo", result_action="return_value")
    app.default(demo)
    sys.exit(app())
