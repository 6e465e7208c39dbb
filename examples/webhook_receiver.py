"""A receiver of Postroom's webhooks: checks each signature and prints what happened. Python alone is needed.

    WEBHOOK_SECRET=whsec_… python webhook_receiver.py 8090

What a receiver must do is in :func:`check`: compare the signature over the very bytes that came, refuse messages
that are too old, and know those that came before, since a message may be sent again if the answer to it was lost.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_AGE_SECONDS = 300
MAX_BODY_BYTES = 1 << 20
MAX_REMEMBERED = 10_000
PATIENCE_SECONDS = 10


class BadMessageError(Exception):
    """A message that was not sent by the server, or not now."""


def check(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> str:
    """Return the id of a message that is genuine. Raises: BadMessageError."""
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp[:20])) > MAX_AGE_SECONDS:
        raise BadMessageError("the message is too old, or its time is missing")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = hmac.digest(key, signed, hashlib.sha256)
    # There may be several signatures, with spaces between them; one of them must be ours.
    for signature in given.get("webhook-signature", "").split():
        version, _, text = signature.partition(",")
        if version == "v1" and hmac.compare_digest(_decode(text), expected):
            return message_id
    raise BadMessageError("the signature is wrong")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


class Receiver(ThreadingHTTPServer):
    """Takes messages; ``handle_message`` is called with each one once."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], secret: str) -> None:
        super().__init__(address, _Handler)
        self.secret = secret
        # A real receiver keeps these where they survive a restart.
        self._known: OrderedDict[str, None] = OrderedDict()

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take a message; return the status to answer with."""
        try:
            message_id = check(self.secret, headers, body, now=time.time())
        except BadMessageError as error:
            print(f"refused: {error}", file=sys.stderr)
            return 401
        if message_id not in self._known:
            self.handle_message(json.loads(body))
            self._known[message_id] = None
            if len(self._known) > MAX_REMEMBERED:
                self._known.popitem(last=False)
        return 204

    def handle_message(self, message: dict[str, Any]) -> None:
        """Do something about a message."""
        print(message["position"], message["kind"], json.dumps(message["data"]), flush=True)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_SECONDS
    server: Receiver

    def do_POST(self) -> None:
        """Answer a message: 204 if it was taken."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or int(length[:20]) > MAX_BODY_BYTES:
            self.close_connection = True
            self._answer(413)
            return
        body = self.rfile.read(int(length))
        self._answer(self.server.take(dict(self.headers), body))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing of each request."""


def main() -> None:
    """Run until interrupted."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8090
    with Receiver(("127.0.0.1", port), os.environ["WEBHOOK_SECRET"]) as receiver:
        print(f"listening on http://127.0.0.1:{receiver.server_address[1]}/", flush=True)
        receiver.serve_forever()


if __name__ == "__main__":
    main()
