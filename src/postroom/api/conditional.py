"""Entity tags and conditional requests (RFC 9110 §8.8.3, §13.1).

A tag is a short hash of the facts that an answer is made from (a modseq, a sync token, the parameters), never of
the answer, so that "you have it" costs no rendering. The facts always include the version of the program: a new
version may render the same facts in another way.
"""

import re
from binascii import b2a_base64
from hashlib import blake2b

import postroom

_TAG = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_VERSION = postroom.__version__


def make_etag(*facts: object) -> bytes:
    """Return the strong tag of an answer made from ``facts``, which must have a faithful ``repr``."""
    digest = blake2b(repr((_VERSION, facts)).encode("utf-8", "surrogatepass"), digest_size=12).digest()
    return b'"%s"' % b2a_base64(digest, newline=False)


def matches(header: bytes | None, etag: bytes) -> bool:
    """Tell whether an If-None-Match ``header`` holds ``etag``, compared weakly as §13.1.2 demands."""
    if header is None:
        return False
    if header == etag:
        return True
    if header.strip() == b"*":
        return True
    return etag in _TAG.findall(header)
