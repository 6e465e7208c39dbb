"""Files: who may read and write the server's own, and the certificates."""

import datetime
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cryptography import x509

from postroom.app.doctor.finding import Finding, ok, problem, skipped, warning
from postroom.app.exposed import find_exposed
from postroom.auth.key_file import KeyFile
from postroom.config.options import UnixAddress, parse_listen
from postroom.config.root import Config
from postroom.delivery.certificate import Certificate
from postroom.errors import PostroomError
from postroom.outgoing.dkim_keys import DKIMKeys

SOON_DAYS: Final = 14
_ALL: Final = os.R_OK | os.W_OK | os.X_OK


def list_sockets(config: Config) -> list[Path]:
    """Return the unix sockets that the server listens on."""
    places = [
        config.http.listen,
        config.lmtp.listen,
        *config.submission.listen,
        *config.submission.listen_tls,
    ]
    addresses = [parse_listen(place) for place in places if place]
    return [Path(address.path) for address in addresses if isinstance(address, UnixAddress)]


def find_other_owner(config: Config) -> int | None:
    """Return the user whose the data folder is, None where it is ours or not there."""
    try:
        owner = config.data_dir.stat().st_uid
    except OSError:
        return None
    return None if owner == os.geteuid() else owner


async def check_permissions(config: Config) -> list[Finding]:
    """Look at the data folder, the server keys, the keys of DKIM and the unix sockets."""
    folder = config.data_dir.absolute()
    if not folder.is_dir():
        text = f"the data folder {folder} is not there"
        return [problem("permissions", text, "run postroom init, as the user that the server runs as")]
    found = [*_look_at_owner(config), *_look_at_keys(config), *_look_at_sockets(config)]
    found += [
        problem("permissions", f"{exposed.path} {exposed.problem}", exposed.remedy)
        for exposed in find_exposed(config)
    ]
    return found or [ok("permissions", f"{folder}, its keys and the sockets are the server's alone")]


def _look_at_owner(config: Config) -> Iterator[Finding]:
    owner = find_other_owner(config)
    if owner is not None:
        text = f"{config.data_dir} belongs to user {owner}, and this is run by user {os.geteuid()}"
        yield warning(
            "permissions",
            text,
            f"run this as the server's user, by sudo -u '#{owner}' in front of the command",
        )
    elif not os.access(config.data_dir, _ALL):
        text = f"{config.data_dir} cannot be read and written by its owner"
        yield problem("permissions", text, f"chmod 700 {config.data_dir}")
    if owner is None and os.access(config.data_dir, _ALL):
        yield from filter(None, map(_look_at_owner_of, sorted(config.data_dir.iterdir())))


def _look_at_owner_of(path: Path) -> Finding | None:
    try:
        owner = path.lstat().st_uid
    except FileNotFoundError:
        return None  # What SQLite has beside its database goes when nobody uses that any more.
    if owner == os.geteuid():
        return None
    text = f"{path} belongs to user {owner}, not to the server's"
    return problem("permissions", text, f"chown -R {os.geteuid()} {path}")


def _look_at_keys(config: Config) -> Iterator[Finding]:
    if find_other_owner(config) is None:
        file = KeyFile(config.data_dir)
        try:
            if file.find() is None:
                text = f"{file.path} is not there"
                remedy = "postroom init makes it for a new store; for an old one copy it from a backup"
                yield problem("permissions", text, remedy)
        except PostroomError as error:
            yield problem("permissions", error.message, "put it right; a backup of server.key may help")
        try:
            DKIMKeys(config.data_dir, selector=config.dkim.selector).check()
        except PostroomError as error:
            yield problem("permissions", error.message, "put it right, or mail from that domain waits")


def _look_at_sockets(config: Config) -> Iterator[Finding]:
    for path in list_sockets(config):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if stat.S_ISSOCK(mode) and stat.S_IMODE(mode) & stat.S_IRWXO:
            text = f"the socket {path} is open to all users of the machine (mode {stat.S_IMODE(mode):o})"
            yield warning("permissions", text, f"chmod 660 {path}")


async def check_certificates(config: Config) -> list[Finding]:
    """Read the certificates as the server does, and look at their dates."""
    pairs = {
        "http.tls_certificate": (config.http.tls_certificate, config.http.tls_key),
        "submission.certificate": (config.submission.certificate, config.submission.key),
    }
    found = [_look_at(option, Path(file), key) for option, (file, key) in pairs.items() if file]
    return found or [skipped("certificates", "no certificate is configured")]


def _look_at(option: str, file: Path, key: str) -> Finding:
    try:
        Certificate(file, Path(key) if key else None)
        found = x509.load_pem_x509_certificates(file.read_bytes())[0]
    except PostroomError as error:
        remedy = f"correct {option} and its key, or the files; they must be readable for the server's user"
        return problem("certificates", f"{option}: {error.message}", remedy)
    except (OSError, ValueError) as error:
        return problem("certificates", f"{option}: {file}: {error}", f"correct {option}, or the file")
    now = datetime.datetime.now(datetime.UTC)
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    renew = f"renew it, and write it to {file}; the server reads it again by itself"
    if ends <= now:
        return problem("certificates", f"{option}: {file} expired on {ends:%Y-%m-%d}", renew)
    if begins > now:
        return problem(
            "certificates", f"{option}: {file} is not valid before {begins:%Y-%m-%d %H:%M} UTC", renew
        )
    text = f"{option}: {_say_names(found)}, valid until {ends:%Y-%m-%d}"
    if ends - now < datetime.timedelta(days=SOON_DAYS):
        return warning("certificates", f"{text}: in {(ends - now).days} days", renew)
    return ok("certificates", text)


def _say_names(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return certificate.subject.rfc4514_string() or "a certificate without a name"
    return ", ".join(str(name.value) for name in names) or "a certificate without a name"
