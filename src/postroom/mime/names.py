"""File names of attachments, made safe to offer and to save.

A safe name has no path, no control characters, no marks that turn the direction of text (they disguise extensions),
is in NFC, neither begins nor ends with a space or dot, and has at most 200 bytes of UTF-8 with its extension kept.
Where a message gives no name, one is made from the position and the type.
"""

import re
import unicodedata
from typing import Final

EXTENSIONS: Final = {
    "application/gzip": "gz",
    "application/json": "json",
    "application/msword": "doc",
    "application/octet-stream": "bin",
    "application/pdf": "pdf",
    "application/pgp-encrypted": "asc",
    "application/pgp-keys": "asc",
    "application/pgp-signature": "asc",
    "application/pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/postscript": "ps",
    "application/rtf": "rtf",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/x-gzip": "gz",
    "application/x-pkcs7-mime": "p7m",
    "application/x-pkcs7-signature": "p7s",
    "application/x-zip-compressed": "zip",
    "application/xml": "xml",
    "application/zip": "zip",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "image/bmp": "bmp",
    "image/gif": "gif",
    "image/heic": "heic",
    "image/jpeg": "jpg",
    "image/jpg": "jpg",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/tiff": "tif",
    "image/webp": "webp",
    "message/delivery-status": "txt",
    "message/disposition-notification": "txt",
    "message/global": "eml",
    "message/rfc822": "eml",
    "text/calendar": "ics",
    "text/css": "css",
    "text/csv": "csv",
    "text/directory": "vcf",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
    "text/rfc822-headers": "txt",
    "text/rtf": "rtf",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
    "text/xml": "xml",
    "video/mp4": "mp4",
    "video/mpeg": "mpg",
    "video/quicktime": "mov",
}
_LONGEST_NAME_BYTES = 200
_LONGEST_EXTENSION_BYTES = 20
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)


def safe_name(name: str) -> str:
    """Return ``name`` made safe, "" if nothing is left of it."""
    if not (name.isascii() and name.isprintable()):
        name = _UNSAFE.sub("", unicodedata.normalize("NFC", name[:1000]))
    name = name.replace("\\", "/").rsplit("/", 1)[-1].strip(" .\u3000\xa0")
    if len(name) * 4 > _LONGEST_NAME_BYTES and len(name.encode("utf-8", "replace")) > _LONGEST_NAME_BYTES:
        name = _shorten(name)
    return name


def made_up_name(number: int, content_type: str) -> str:
    """Return the name of the ``number``-th attachment, which has none of its own: ``attachment-1.pdf``."""
    extension = EXTENSIONS.get(content_type, "")
    if not extension and content_type.startswith("text/"):
        extension = "txt"
    return f"attachment-{number}.{extension or 'bin'}"


def message_name(subject: str, number: int) -> str:
    """Return the name of an attached message: its subject with ``.eml``."""
    stem = safe_name(subject.replace("/", "-").replace("\\", "-"))
    return safe_name(f"{stem}.eml") if stem else f"attachment-{number}.eml"


def _shorten(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension.encode()) > _LONGEST_EXTENSION_BYTES:
        stem, extension = name, ""
    tail = dot + extension if extension else ""
    room = _LONGEST_NAME_BYTES - len(tail.encode())
    return stem.encode("utf-8")[:room].decode("utf-8", "ignore").rstrip(" .") + tail
