"""Sets of names, written down as one text: long lists of tags and properties stay readable that way."""


def words(text: str) -> frozenset[str]:
    """Return the words of ``text``, which are separated by white space."""
    return frozenset(text.split())
