"""Section ``[blobs]``: where large message content is kept."""

from dataclasses import dataclass

from postroom.config.options import option


@dataclass(frozen=True)
class BlobsConfig:
    """Options of the blob store."""

    url: str = option("disk:", "Place of large messages: disk: is a folder in data_dir.", choices=("disk:",))
