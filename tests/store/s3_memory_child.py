"""Puts and reads a blob of 50 MB; prints how many megabytes more than at rest the process took at most."""

import asyncio
import hashlib
import json
import os
import sys
from pathlib import Path

from postroom.config.blobs import BlobsConfig
from postroom.model.ids import AccountId
from postroom.store.blobs.place import open_blobs

PIECES, PIECE_BYTES = 50, 1 << 20
NAME = hashlib.sha256(b"name").digest()


def peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def transfer(config: BlobsConfig, name: bytes, pieces: int) -> None:
    blobs, _ = open_blobs(config, Path("/nonexistent"))
    writer = blobs.create(AccountId(1), name)
    sent, received = hashlib.sha256(), hashlib.sha256()
    for _ in range(pieces):
        piece = os.urandom(PIECE_BYTES)
        sent.update(piece)
        await writer.write(piece)
    await writer.finish()
    reader = await blobs.open(AccountId(1), name)
    for start in range(0, reader.size_bytes, PIECE_BYTES // 4):
        received.update(await reader.read(start, start + PIECE_BYTES // 4))
    if sent.digest() != received.digest():
        raise SystemExit("it came back differently")


async def main() -> None:
    config = BlobsConfig(
        **json.loads(sys.argv[1]), region="us-east-1", access_key_id="key", secret_access_key="secret"
    )
    # Whatever a first small blob needs is loaded once.
    await transfer(config, hashlib.sha256(b"first").digest(), 1)
    before = peak_megabytes()
    await transfer(config, NAME, PIECES)
    sys.stdout.write(f"{peak_megabytes() - before:.1f}\n")


asyncio.run(main())
