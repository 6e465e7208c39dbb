"""The Prefer header (RFC 7240), of which ``wait`` is understood: how long an answer may be held back."""

from postroom.patterns import compile_pattern

MAX_WAIT_SECONDS = 300
"""A larger wish is cut to this."""

_PREFERENCE = compile_pattern(r'(?:[^",]|"(?:[^"\\]|\\.)*+"?)++')
"""What lies between commas, of which those in quotes are none. It never goes back: whoever sends a header chooses
what it holds, and an event loop is what would wait."""
_SECONDS = compile_pattern(r'[0-9]{1,20}|"[0-9]{1,20}"')


def find_wait(header: str | None) -> int | None:
    """Return the seconds that a client is willing to wait, None if it does not say so (§4.3).

    Of several the first counts (§2); what is not understood is passed over.
    """
    for preference in _PREFERENCE.findall(header or ""):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip(" \t").lower() == "wait":
            seconds = value.strip(" \t")
            return min(int(seconds.strip('"')), MAX_WAIT_SECONDS) if _SECONDS.fullmatch(seconds) else None
    return None
