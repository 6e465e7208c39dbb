"""Section ``[blobs]``: where large message content is kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from postroom.config.options import option

_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9._=-]+)*)/?")


def parse_s3_url(text: str) -> tuple[str, str]:
    """Return the bucket and the prefix that a URL names. Raises ValueError saying what would be right."""
    match = _S3.fullmatch(text)
    if match is None or {".", ".."} & set(match[2].split("/")):
        raise ValueError("must be disk: or s3://bucket/prefix")
    return match[1], match[2].strip("/")


def _check_url(text: str) -> None:
    if text != "disk:":
        parse_s3_url(text)


def _check_endpoint(text: str) -> None:
    if not text:
        return
    wrong = ValueError("must be a URL such as https://s3.example.com or http://127.0.0.1:9000")
    try:
        parts = urlsplit(text)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise wrong from None
    if not is_right or parts.username is not None or parts.query or parts.fragment:
        raise wrong


@dataclass(frozen=True)
class BlobsConfig:
    """Options of the blob store."""

    url: str = option(
        "disk:",
        "Place of large messages and of uploaded files: disk: for folders in data_dir, or s3://bucket/prefix for an "
        "object store that speaks S3 (it needs the extra postroom[s3]).",
        check=_check_url,
    )
    endpoint: str = option(
        "",
        'Where the object store answers, as an URL; "" for that of AWS in the region.',
        check=_check_endpoint,
    )
    region: str = option("", 'Region of the bucket; "" for what AWS_REGION says, else us-east-1.')
    access_key_id: str = option(
        "",
        'Key that the object store knows the server by; "" for AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the '
        "environment, else the role of the machine.",
    )
    secret_access_key: str = option("", "The secret that belongs to the key.", secret=True)
    virtual_hosted: bool = option(
        False, "The bucket is part of the host name (bucket.s3.example.com), not of the path."
    )
    timeout_seconds: int = option(
        20, "Time for one request to the object store.", unit="seconds", minimum=1, maximum=600
    )
    retries: int = option(
        4,
        "How often a request that failed for no lasting reason is made again, with growing pauses.",
        minimum=0,
        maximum=20,
    )
    retry_seconds: int = option(
        30, "After this time a request is not made again.", unit="seconds", minimum=1, maximum=240
    )

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield options that do not fit each other, with what would be right."""
        if bool(self.access_key_id) != bool(self.secret_access_key):
            missing = "secret_access_key" if self.access_key_id else "access_key_id"
            yield missing, "must be given: blobs.access_key_id and blobs.secret_access_key belong together"
