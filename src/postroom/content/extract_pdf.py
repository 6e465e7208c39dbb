"""The text of PDF files, read by PDFium, page by page."""

from typing import Any

import pypdfium2  # type: ignore[import-untyped]

from postroom.content.extract_text import TextSink

MAX_PAGES = 5000
_HYPHENS = ("\ufffe", "\x02")
"""What PDFium writes for a hyphen at the end of a line, in the middle of a word."""


def read_pdf(data: bytes, sink: TextSink) -> None:
    """Add the text of a PDF file; nothing, if it is broken or locked. Raises: Enough."""
    try:
        document: Any = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return
    try:
        for number in range(min(len(document), MAX_PAGES)):
            sink.add(_read_page(document, number))
            sink.add("\n")
    finally:
        document.close()


def _read_page(document: Any, number: int) -> str:
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return ""
    try:
        text_page = page.get_textpage()
        try:
            text: str = text_page.get_text_bounded()
        finally:
            text_page.close()
    except pypdfium2.PdfiumError:
        return ""
    finally:
        page.close()
    for hyphen in _HYPHENS:
        text = text.replace(f"{hyphen}\r\n", "").replace(f"{hyphen}\n", "").replace(hyphen, "")
    return text
