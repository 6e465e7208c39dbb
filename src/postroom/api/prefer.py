"""The Prefer header (RFC 7240), of which ``wait`` is understood: how long an answer may be held back."""

import re

MAX_WAIT_SECONDS = 300
"""A larger wish is cut to this."""

_PREFERENCE = re.compile(
    r"""[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)      # its name
        (?:[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^",;]*))?   # its value
        ((?:[^",]|"(?:[^"\\]|\\.)*")*)           # its parameters
        (?:,|\Z)""",
    re.VERBOSE,
)
_SECONDS = re.compile(r"[0-9]{1,20}")


def find_wait(header: str | None) -> int | None:
    """Return the seconds that a client is willing to wait, None if it does not say so (§4.3).

    Of several the first counts (§2); what is not understood is passed over.
    """
    for name, value, _ in _PREFERENCE.findall(header or ""):
        if name.lower() == "wait":
            seconds = value.strip().strip('"')
            return min(int(seconds), MAX_WAIT_SECONDS) if _SECONDS.fullmatch(seconds) else None
    return None
