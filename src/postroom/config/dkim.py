"""Section ``[dkim]``: signatures of outgoing mail (RFC 6376)."""

import re
from dataclasses import dataclass

from postroom.config.options import option

_SELECTOR = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")


def check_selector(text: str) -> None:
    """Accept a selector: labels of a host name in lower case, with dots between them."""
    if len(text) > 100 or not _SELECTOR.fullmatch(text):
        raise ValueError("must be made of lower-case letters, digits, - and dots")


@dataclass(frozen=True)
class DKIMConfig:
    """Options of DKIM signatures."""

    selector: str = option(
        "postroom",
        "Selector of the keys to sign with: mail from a domain is signed if data_dir/dkim/DOMAIN/SELECTOR.pem is "
        "there (see postroom dkim generate).",
        check=check_selector,
    )
