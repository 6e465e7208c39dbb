"""Grammar of the commands of message submission (RFC 6409 §7): what LMTP has, and STARTTLS, AUTH, DSN.

Pure; see :mod:`.commands`. Parameters beyond those of LMTP are RET and ENVID on MAIL, NOTIFY and ORCPT on RCPT
(RFC 3461 §4; ORCPT with the address type utf-8 by RFC 6533 §3), and AUTH on MAIL (RFC 4954 §5), which is read and
dropped: who has submitted a message is known by the login. xtext stays as it is on the wire.

The name that a client greets with is not judged: mail programs send what their machine is called, which is often no
domain name, and nothing depends on it.
"""

import re
from typing import Any, Final

from postroom.delivery.addresses import is_domain
from postroom.delivery.commands import (
    COMMON_PARSERS,
    Auth,
    Command,
    Grammar,
    Hello,
    Mail,
    Parser,
    Rcpt,
    alone,
    bad,
    parse_mail,
    parse_rcpt,
)
from postroom.delivery.parameters import Parameters, bad_argument

_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_UTF8_ADDRESS: Final = re.compile(r"[^\x00-\x20\x7f+=]+")
_ADDRESS_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
_MECHANISM: Final = re.compile(r"[A-Za-z0-9_-]{1,20}")
_MAX_ENVID: Final = 100
_MAX_ORCPT: Final = 500
_MAX_NAME: Final = 255


def _hello(verb: str) -> Parser:
    def parse(argument: str) -> Command:
        if not argument or len(argument) > _MAX_NAME:
            raise bad("badArgument", f"{verb} needs the name of the client")
        is_name = argument.isascii() and is_domain(argument)
        return Hello(argument if is_name else "", is_extended=verb == "EHLO")

    return parse


def _parse_mail(argument: str) -> Mail:
    return parse_mail(argument, _take_mail_parameters)


def _take_mail_parameters(parameters: Parameters) -> dict[str, Any]:
    _check_xtext("AUTH", parameters.take_text("AUTH") or "<>", max_length=_MAX_ORCPT)
    envid = parameters.take_text("ENVID") or ""
    if envid:
        _check_xtext("ENVID", envid, max_length=_MAX_ENVID)
    return {"ret": parameters.take_word("RET", ("FULL", "HDRS")), "envid": envid}


def _parse_rcpt(argument: str) -> Rcpt:
    return parse_rcpt(argument, _take_rcpt_parameters)


def _take_rcpt_parameters(parameters: Parameters) -> dict[str, Any]:
    words = parameters.take_words("NOTIFY", ("NEVER", "SUCCESS", "FAILURE", "DELAY"), alone=("NEVER",))
    orcpt = parameters.take_text("ORCPT") or ""
    if orcpt:
        _check_orcpt(orcpt)
    return {"notify": ",".join(words), "orcpt": orcpt}


def _check_orcpt(value: str) -> None:
    kind, semicolon, address = value.partition(";")
    if not semicolon or not _ADDRESS_TYPE.fullmatch(kind) or len(value) > _MAX_ORCPT:
        raise bad_argument("ORCPT needs an address type, a semicolon and an address")
    if kind.lower() == "utf-8":
        if not _UTF8_ADDRESS.fullmatch(address):
            raise bad_argument("ORCPT holds what no address may")
    else:
        _check_xtext("ORCPT", address, max_length=_MAX_ORCPT)


def _check_xtext(name: str, value: str, *, max_length: int) -> None:
    if len(value) > max_length or not _XTEXT.fullmatch(value):
        raise bad_argument(f"{name} needs xtext of at most {max_length} characters")


def _parse_auth(argument: str) -> Auth:
    mechanism, _, initial = argument.partition(" ")
    if not _MECHANISM.fullmatch(mechanism):
        raise bad("badArgument", "AUTH needs the name of a mechanism")
    return Auth(mechanism.upper(), initial or None)


SUBMISSION: Final = Grammar(
    {
        "EHLO": _hello("EHLO"),
        "HELO": _hello("HELO"),
        "MAIL": _parse_mail,
        "RCPT": _parse_rcpt,
        "STARTTLS": alone("STARTTLS"),
        "AUTH": _parse_auth,
        **COMMON_PARSERS,
    },
    {"LHLO": "This is message submission: use EHLO (RFC 6409)"},
)
"""The commands of RFC 6409."""
