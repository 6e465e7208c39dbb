"""The Host header: a request says, once, for which host it is (RFC 9112 §3.2).

The server answers for any host. But what stands before it may take one Host for the request's and this server another
one, so what is not plain is refused, and nobody has to agree on which of two counts.
"""

from functools import lru_cache

from litestar.types import HTTPScope

from postroom.errors import PostroomError, bad_parameter
from postroom.patterns import compile_pattern

_HOST = compile_pattern(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]++|%[0-9A-Fa-f]{2})*+|\[[A-Za-z0-9._~!$&'()*+,;=:-]+\])(?::[0-9]*)?"
)
"""A host and perhaps a port (RFC 3986 §3.2.2); empty where what is asked for has none."""


def names_its_host(scope: HTTPScope, headers: dict[bytes, bytes]) -> bool:
    """Tell whether a request has one valid Host; in HTTP/1.0 it may have none.

    Args:
        scope: with all headers.
        headers: the same, of repeated ones the last: if they are no fewer, none is repeated.
    """
    host = headers.get(b"host")
    if host is None:
        return scope["http_version"] == "1.0"
    pairs: list[tuple[bytes, bytes]] = scope["headers"]  # type: ignore[assignment]
    if len(headers) != len(pairs) and [name for name, _ in pairs].count(b"host") > 1:
        return False
    return _is_host(host)


@lru_cache(maxsize=16)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value) is not None


def bad_host() -> PostroomError:
    """Return the error for a request that has no Host, more than one, or what cannot be one."""
    return bad_parameter("Host", "the request must have one valid Host header")
