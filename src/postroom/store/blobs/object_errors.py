"""What goes wrong with an object store, said so that an operator knows what to do.

All of it is ``unavailable``: nothing is lost, and the same call succeeds once the store is right again. What the
store itself said goes to the log alone.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from postroom.errors import PostroomError, unavailable

_AWAY = "the object store does not answer as it should just now; see blobs.endpoint and the log"
_REFUSES = "the object store refuses access; see the key in [blobs], its rights on the bucket, and the log"
_NO_BUCKET = "the object store has no such bucket; see blobs.url, blobs.endpoint and blobs.region"
_REFUSALS = re.compile(r"status code: 40[13]|\b(AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch)\b")
_SAID_CHARACTERS = 500


def is_bucket_missing(error: Exception) -> bool:
    """Tell whether a "not found" is that of the whole bucket."""
    return "NoSuchBucket" in str(error)


def to_unavailable(error: Exception) -> PostroomError:
    """Return the error for what a call of the library raised."""
    is_refusal = isinstance(error, PermissionDeniedError | UnauthenticatedError)
    if is_refusal or _REFUSALS.search(str(error)):  # a deletion has only the text
        message = _REFUSES
    elif is_bucket_missing(error):
        message = _NO_BUCKET
    else:
        message = _AWAY
    said = str(error).partition("\n\nDebug source:")[0]
    return unavailable(message, private=said[:_SAID_CHARACTERS])


@contextmanager
def object_errors() -> Iterator[None]:
    """Turn what the library raises into ``unavailable``; a missing object (FileNotFoundError) goes through."""
    try:
        yield
    except FileNotFoundError as error:
        if is_bucket_missing(error):
            raise to_unavailable(error) from error
        raise
    except (BaseError, OSError) as error:
        raise to_unavailable(error) from error
