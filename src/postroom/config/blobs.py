"""Section ``[blobs]``: where large message content is kept."""

from dataclasses import dataclass

from postroom.config.options import option, url_check


@dataclass(frozen=True)
class BlobsConfig:
    """Options of the blob store."""

    url: str = option(
        "disk:",
        "Place of large content: disk: (a folder in data_dir) or disk:/path.",
        check=url_check("disk:", example="disk:/srv/postroom/blobs"),
    )
