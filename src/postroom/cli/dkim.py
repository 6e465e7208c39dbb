"""`postroom dkim …`."""

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from postroom.cli.options import DEFAULTS, Options
from postroom.cli.terminal import say
from postroom.errors import bad_parameter, not_found

if TYPE_CHECKING:
    from postroom.outgoing.dkim import DKIMKey
    from postroom.outgoing.dkim_keys import DKIMKeys

_STRING_CHARS = 255
"""What a string of a TXT record holds; verifiers put the strings together."""


def generate(
    domain: str,
    /,
    *,
    selector: str = "",
    algorithm: Literal["rsa", "ed25519"] = "rsa",
    bits: Annotated[int, Parameter(negative=())] = 2048,
    options: Options = DEFAULTS,
) -> None:
    """Make a key for a domain, and print the DNS record of its public part.

    Mail from the domain is signed from now on, if the selector is the configured one. Receivers believe in the
    signatures once the record is published.

    Args:
        domain: The domain, such as example.test.
        selector: Name of the key; by default the option dkim.selector.
        algorithm: Not all receivers know ed25519.
        bits: Size of an RSA key, from 1024 to 4096.
        options: Where the configuration is.
    """
    if not 1024 <= bits <= 4096:
        raise bad_parameter("bits", "bits must be from 1024 to 4096")
    keys, name = _open(domain, selector, options=options)
    _print_record(keys.generate(name, algorithm=algorithm, bits=bits))


def show(domain: str, /, *, selector: str = "", options: Options = DEFAULTS) -> None:
    """Print the DNS record of a domain's key.

    Args:
        domain: The domain, such as example.test.
        selector: Name of the key; by default the option dkim.selector.
        options: Where the configuration is.
    """
    from postroom.outgoing.dkim_keys import KeyUnusableError  # noqa: PLC0415 (commands start quickly)

    keys, name = _open(domain, selector, options=options)
    try:
        key = keys.find(name)
    except KeyUnusableError as error:
        raise bad_parameter("domain", str(error)) from None
    if key is None:
        raise not_found(f"{keys.get_path(name)}, made by postroom dkim generate {name},")
    _print_record(key)


def _open(domain: str, selector: str, *, options: Options) -> "tuple[DKIMKeys, str]":
    """Return the keys for a selector, and the domain as the store has it. Raises: badParameter, noStore."""
    from postroom.config.dkim import check_selector  # noqa: PLC0415 (commands start quickly)
    from postroom.domain.addresses import normalise_domain  # noqa: PLC0415
    from postroom.outgoing.dkim_keys import DKIMKeys  # noqa: PLC0415

    config = options.load_for_store()
    selector = selector or config.dkim.selector
    try:
        check_selector(selector)
    except ValueError as error:
        raise bad_parameter("selector", f"selector {error}") from None
    return DKIMKeys(config.data_dir, selector=selector), normalise_domain(domain)


def _print_record(key: "DKIMKey") -> None:
    """Print a record in the form of zone files."""
    text = key.record
    strings = [text[start : start + _STRING_CHARS] for start in range(0, len(text), _STRING_CHARS)]
    quoted = " ".join(f'"{string}"' for string in strings)
    say(f"{key.record_name}. IN TXT {quoted if len(strings) == 1 else f'( {quoted} )'}")
