"""Sends a mail with attachments, once, however often it is started with the same key. It needs the extra ``client``.

    MAIL_PASSWORD=… python send_mail.py http://127.0.0.1:8080 anna@example.test ben@example.test "Report" report.pdf

The text comes from standard input. The key names the mail: a program that does not know whether it has sent
yesterday's report sends it again with the key of that day, and the server answers as it did the first time. Another
text under the same key is refused.
"""

import datetime
import hashlib
import mimetypes
import os
import sys
from pathlib import Path

from postroom.client import Client, ClientError
from postroom.client.structs import AttachmentToAdd


def send(client: Client, to: str, subject: str, *, text: str, files: list[Path], key: str) -> int:
    """Send it; return its number in the queue."""
    client.open_session()
    try:
        attachments = []
        if files:
            parts = [(path.name, path.read_bytes(), _guess_type(path)) for path in files]
            stored = client.upload_temporary_attachments(files=parts)
            attachments = [AttachmentToAdd(id=file.id) for file in stored.items]
        sent = client.send_mail(
            to=to, subject=subject, body_text=text, temporary_attachments=attachments, idempotency_key=key
        )
        return sent.processing_id
    finally:
        client.logout()


def _guess_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def main() -> None:
    """Run from the command line."""
    url, sender, to, subject, *names = sys.argv[1:]
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    key = hashlib.sha256(f"{today} {sender} {to} {subject}".encode()).hexdigest()
    with Client(url, (sender, os.environ["MAIL_PASSWORD"])) as client:
        files = [Path(name) for name in names]
        try:
            print(send(client, to, subject, text=sys.stdin.read(), files=files, key=key))
        except ClientError as error:
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
