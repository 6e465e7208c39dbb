"""The process that makes one picture: ``python -m postroom.content.picture_process MEMORY_BYTES SECONDS``.

Started by :mod:`postroom.content.pictures`, never by hand. The file comes in on its standard input, what was made of
it goes out on its standard output. What it gives up before it reads is told in :mod:`postroom.content.confine`.
"""

import signal
import sys

from postroom.content.confine import give_up_what_is_not_needed, set_alarms
from postroom.content.picture import remake


def main() -> None:
    """Make a picture."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    give_up_what_is_not_needed(int(sys.argv[1]))
    data = sys.stdin.buffer.read()
    set_alarms(float(sys.argv[2]))
    sys.stdout.buffer.write(remake(data))


if __name__ == "__main__":
    main()
