"""Which parts of a message are documents: attachments that hold text of their own, worth to be searched.

Purpose: the text of such parts takes long to get at, so that it is read after the delivery. At delivery it is only
asked whether there are any, by the media type or, since programs send documents under any type, by the end of the
file name. What a document really is, is seen when it is read (:mod:`postroom.content.extract`).
"""

from collections.abc import Iterator

from postroom.mime.structure import iter_parts
from postroom.model.mail import Part

_TYPES = frozenset(
    (
        "application/pdf",
        "application/x-pdf",
        "application/rtf",
        "application/x-rtf",
        "text/rtf",
        "text/richtext",
    )
)
_PREFIXES = (
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
    "application/vnd.ms-word.",
    "application/vnd.ms-excel.",
    "application/vnd.ms-powerpoint.",
)
_ENDINGS = (
    *(".pdf", ".rtf"),
    *(".docx", ".docm", ".dotx", ".dotm"),
    *(".xlsx", ".xlsm", ".xltx", ".xltm"),
    *(".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"),
    *(".odt", ".ott", ".ods", ".ots", ".odp", ".otp", ".odg", ".odf", ".fodt", ".fods", ".fodp"),
)


def iter_documents(root: Part) -> Iterator[Part]:
    """Yield the parts that may be documents, those of attached messages among them, in document order."""
    if not root.parts and not root.filename and root.content_type.startswith("text/plain"):
        return
    for part in iter_parts(root):
        if not part.parts and _is_document(part):
            yield part


def has_documents(root: Part) -> bool:
    """Tell whether any part may be a document."""
    return next(iter_documents(root), None) is not None


def _is_document(part: Part) -> bool:
    content_type = part.content_type
    if content_type in _TYPES or content_type.startswith(_PREFIXES):
        return True
    if content_type.startswith("text/"):
        # What is shown as the body is indexed as such.
        return bool(part.filename) or part.disposition == "attachment"
    return part.filename.lower().rstrip().endswith(_ENDINGS)
