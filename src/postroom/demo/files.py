"""Files that the demonstration attaches, all real: a PDF of one page, drawings, a sound, an archive, an event."""

import io
import math
import struct
import wave
import zipfile
from collections.abc import Sequence
from datetime import datetime

from PIL import Image, ImageDraw

_COLOURS = ("#1f5fa8", "#2f6b3a", "#b5562b", "#7a2e6b", "#c99a1a")


def make_pdf(lines: Sequence[str]) -> bytes:
    """Return a PDF of one A4 page with ``lines`` (ASCII) in Helvetica (ISO 32000-1)."""
    escaped = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines]
    text = "\n".join(f"({line}) '" for line in escaped)
    content = f"BT /F1 12 Tf 16 TL 72 780 Td\n{text}\nET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    data = "%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    data += (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
        f"startxref\n{len(data)}\n%%EOF\n"
    )
    return data.encode("ascii")


def make_chart(values: Sequence[int]) -> bytes:
    """Return a PNG of 480 × 300 pixels with a bar for each of ``values`` (0 to 100)."""
    image = Image.new("RGB", (480, 300), "#ffffff")
    draw = ImageDraw.Draw(image)
    width = 440 // len(values)
    for number, value in enumerate(values):
        left = 20 + number * width
        draw.rectangle(
            (left, 280 - value * 2.5, left + width - 10, 280), fill=_COLOURS[number % len(_COLOURS)]
        )
    draw.line((15, 280, 470, 280), fill="#333333", width=2)
    return _save(image, "PNG")


def make_picture(*, width: int, height: int, kind: str = "JPEG") -> bytes:
    """Return a picture of hills under a sky, as ``kind`` (``JPEG``, ``PNG``, ``GIF``)."""
    image = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(image)
    for row in range(height):
        shade = 255 - row * 120 // height
        draw.line((0, row, width, row), fill=(shade * 3 // 4, shade * 7 // 8, 255))
    for hill, colour in enumerate(("#7f9f86", "#5b8465", "#2f6b3a")):
        base, swing = height * (5 + hill) // 9, height // 12
        points = [
            (column, base + int(swing * math.sin(column * (hill + 2) * 3 / width + hill)))
            for column in range(0, width + 1, 4)
        ]
        draw.polygon([(0, height), *points, (width, height)], fill=colour)
    draw.ellipse(
        (width * 3 // 4, height // 8, width * 3 // 4 + height // 6, height * 7 // 24), fill="#ffe28a"
    )
    return _save(image, kind)


def _save(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def make_tone() -> bytes:
    """Return a WAV file: half a second of the concert pitch, 8,000 samples a second."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        samples = (int(12_000 * math.sin(2 * math.pi * 440 * step / 8_000)) for step in range(4_000))
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return buffer.getvalue()


def make_zip(files: Sequence[tuple[str, bytes]]) -> bytes:
    """Return a ZIP archive of ``files``: pairs of name and content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(zipfile.ZipInfo(name, (2025, 3, 1, 12, 0, 0)), data)
    return buffer.getvalue()


def make_event(
    *,
    method: str,
    uid: str,
    summary: str,
    starts_at: datetime,
    organizer: str,
    attendee: str,
    sequence: int = 0,
) -> str:
    """Return an iCalendar object (RFC 5545) of one event of an hour, with the iTIP ``method`` (RFC 5546)."""
    start = starts_at.strftime("%Y%m%dT%H%M%SZ")
    end = starts_at.replace(hour=starts_at.hour + 1).strftime("%Y%m%dT%H%M%SZ")
    status = "CANCELLED" if method == "CANCEL" else "CONFIRMED"
    answer = "ACCEPTED" if method == "REPLY" else "NEEDS-ACTION"
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//demo.example//Postroom demonstration//EN",
        "VERSION:2.0",
        f"METHOD:{method}",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"SEQUENCE:{sequence}",
        f"DTSTAMP:{start}",
        f"DTSTART:{start}",
        f"DTEND:{end}",
        f"SUMMARY:{summary}",
        f"STATUS:{status}",
        f"ORGANIZER:mailto:{organizer}",
        f"ATTENDEE;PARTSTAT={answer};RSVP=TRUE:mailto:{attendee}",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "\r\n".join(lines) + "\r\n"
