"""Short texts that people give: one line, in one normal form, with a limit."""

import unicodedata

from postroom.errors import bad_parameter

_UNWANTED = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that no line has: controls, halves of characters, line and paragraph separators."""


def clean_line(text: str, parameter: str, *, least: int = 0, most: int) -> str:
    """Return a line as it is kept: in NFC (Unicode Annex 15), with no spaces around it. Raises: badParameter.

    Args:
        text: the line.
        parameter: what it is called.
        least: the fewest characters that it may have.
        most: the most.
    """
    if len(text) <= 4 * most:  # Normalising takes time, and what is longer will not become short enough.
        text = unicodedata.normalize("NFC", text).strip()
    if not least <= len(text) <= most:
        raise bad_parameter(parameter, f"{parameter} must have {least} to {most} characters")
    if any(unicodedata.category(char) in _UNWANTED for char in text):
        raise bad_parameter(parameter, f"{parameter} must be one line, with no control characters")
    return text
