"""The text of RTF files."""

from striprtf.striprtf import rtf_to_text

from postroom.content.extract_text import TextSink


def read_rtf(data: bytes, sink: TextSink) -> None:
    """Add the text of an RTF file. Raises: Enough; whatever a broken file makes the reader raise."""
    text: str = rtf_to_text(data.decode("latin-1"), errors="ignore")  # type: ignore[no-untyped-call]
    sink.add(text)
