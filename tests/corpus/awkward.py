"""The corpus of awkward messages, which is no part of the repository: tests use it where it lies beside it."""

import os
from pathlib import Path

CORPUS = Path(os.environ.get("POSTROOM_CORPUS") or Path(__file__).parents[3] / "shared" / "corpus")


def corpus_files() -> dict[str, Path]:
    """Return the messages of the corpus by ``source/name``; none if it is not there."""
    return {f"{path.parent.name}/{path.name}": path for path in sorted(CORPUS.glob("*/*.eml"))}
