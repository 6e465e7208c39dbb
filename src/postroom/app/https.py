"""TLS of the HTTP server in the composition root: from its options to a certificate that is renewed by itself."""

from pathlib import Path

from postroom.config.http import HTTPConfig
from postroom.delivery.certificate import Certificate
from postroom.errors import PostroomError


def open_certificate(section: HTTPConfig) -> Certificate | None:
    """Return the certificate of the HTTP server, None where it speaks plain HTTP.

    Raises: badCertificate, which names the option and says what is wrong with its file.
    """
    if not section.tls_certificate:
        return None
    key = Path(section.tls_key) if section.tls_key else None
    try:
        return Certificate(Path(section.tls_certificate), key, protocols=["http/1.1"])
    except PostroomError as error:
        is_key = key is not None and error.message.startswith(f"{key} ")
        option = "http.tls_key" if is_key else "http.tls_certificate"
        raise PostroomError(error.kind, error.code, f"{option}: {error.message}") from error
