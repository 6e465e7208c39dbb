"""Opening the places for blobs that the configuration names: for large messages, and for uploaded files.

The library for object stores is an extra (``postroom[s3]``) and takes memory, so it is loaded only where it is used.
"""

from pathlib import Path

from postroom.config.blobs import BlobsConfig, parse_s3_url
from postroom.errors import Kind, PostroomError
from postroom.store.blobs.base import BlobStore
from postroom.store.blobs.disk import DiskBlobStore

BLOB_FOLDER = "blobs"
UPLOAD_FOLDER = "uploads"


def open_blobs(config: BlobsConfig, data_dir: Path) -> tuple[BlobStore, BlobStore]:
    """Return the places for messages and for uploads; nothing is asked of them yet. Raises: missingExtra."""
    if config.url == "disk:":
        return DiskBlobStore(data_dir / BLOB_FOLDER), DiskBlobStore(data_dir / UPLOAD_FOLDER)
    try:
        from postroom.store.blobs.objects import open_objects  # noqa: PLC0415 (only where it is configured)
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise PostroomError(
            Kind.INVALID,
            "missingExtra",
            "blobs.url names an object store, for which obstore must be there: pip install 'postroom[s3]'",
        ) from error
    bucket, prefix = parse_s3_url(config.url)
    blobs, uploads = (
        open_objects(config, bucket, f"{prefix}/{folder}".lstrip("/"))
        for folder in (BLOB_FOLDER, UPLOAD_FOLDER)
    )
    return blobs, uploads
