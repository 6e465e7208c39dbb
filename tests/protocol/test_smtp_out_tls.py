"""TLS and passwords of the SMTP client over real sockets: stripped, broken, false."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.protocol.smtp_peer import CERTIFICATE, Deed, server_context, smtp_peer
from tests.protocol.smtp_transports import IMPATIENT, make_certificate, send, states

from postroom.outgoing.policies import Endpoint, Policy


@pytest.fixture(scope="session")
def other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for another name, of its own authority."""
    return make_certificate(tmp_path_factory.mktemp("certificate") / "other.pem", "other.example")


@pytest.mark.parametrize("mode", ["none", "opportunistic", "required"])
async def test_starttls(mode: str) -> None:
    async with smtp_peer(tls=server_context()) as peer:
        outcomes = await send(peer, tls=mode, ca_file=str(CERTIFICATE))
    assert states(outcomes) == [("relayed", "2.0.0")]
    assert peer.taken[0].is_encrypted == (mode != "none")
    assert len(peer.commands("EHLO")) == (1 if mode == "none" else 2)


async def test_implicit_tls() -> None:
    async with smtp_peer(implicit_tls=server_context()) as peer:
        outcomes = await send(peer, tls="implicit", ca_file=str(CERTIFICATE))
    assert states(outcomes) == [("relayed", "2.0.0")]
    assert peer.taken[0].is_encrypted


async def test_starttls_stripped() -> None:
    async with smtp_peer() as peer:
        (outcome,) = await send(peer, tls="required")
        assert (outcome.state, outcome.status) == ("waiting", "4.7.10")
        assert outcome.answer == "TLS is required, and the server does not offer it"
        assert peer.commands("MAIL") == []
        assert states(await send(peer, tls="opportunistic")) == [("relayed", "2.0.0")]


@pytest.mark.parametrize("mode", ["required", "implicit", "opportunistic"])
async def test_a_wrong_certificate(mode: str, other_certificate: Path) -> None:
    context = server_context(other_certificate)
    implicit = context if mode == "implicit" else None
    async with smtp_peer(tls=context, implicit_tls=implicit) as peer:
        (outcome,) = await send(peer, tls=mode, ca_file=str(CERTIFICATE))
        peer.faults.clear()
    if mode == "opportunistic":
        assert outcome.state == "relayed"
        assert peer.taken[0].is_encrypted
    else:
        assert outcome.state == "waiting"
        assert "the certificate is not valid" in outcome.answer
        assert peer.commands("MAIL") == []


async def test_a_certificate_for_another_name(other_certificate: Path) -> None:
    async with smtp_peer(tls=server_context(other_certificate)) as peer:
        (outcome,) = await send(peer, tls="required", ca_file=str(other_certificate))
        peer.faults.clear()
    assert outcome.state == "waiting"
    assert "the certificate is not valid: IP address mismatch" in outcome.answer


@pytest.mark.parametrize("answer", ["454 4.7.0 not now", b"220 ok\r\nxxxxxxxx", Deed.DROP])
async def test_starttls_that_fails(answer: Any) -> None:
    """Opportunistic TLS goes on without; where TLS is required nothing is sent."""
    async with smtp_peer({"STARTTLS": [answer, answer]}, tls=server_context()) as peer:
        (refused,) = await send(peer, tls="required", ca_file=str(CERTIFICATE), limits=IMPATIENT)
        assert refused.state == "waiting"
        assert peer.commands("MAIL") == []
        (outcome,) = await send(peer, tls="opportunistic", limits=IMPATIENT)
        assert outcome.state == "relayed"
        assert not peer.taken[0].is_encrypted
        peer.faults.clear()


async def test_what_came_before_tls_is_no_reply_through_it() -> None:
    injected = b"220 go on\r\n250-injected\r\n250 AUTH PLAIN\r\n"
    async with smtp_peer({"STARTTLS": [injected]}, tls=server_context()) as peer:
        (outcome,) = await send(peer, tls="required", ca_file=str(CERTIFICATE))
        peer.faults.clear()
    assert outcome.state == "waiting"
    assert "the server sent more before TLS than it may" in outcome.answer


async def test_authorities_that_cannot_be_read(tmp_path: Path) -> None:
    async with smtp_peer(tls=server_context()) as peer:
        (outcome,) = await send(peer, tls="required", ca_file=str(tmp_path / "none.pem"))
    assert outcome.state == "waiting"
    assert "No such file" in outcome.answer


# AUTH


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "CRAM-MD5 plain"])
async def test_auth(mechanisms: str) -> None:
    login = ("ann", "sécret")
    async with smtp_peer(tls=server_context(), login=login) as peer:
        peer.mechanisms = mechanisms
        outcomes = await send(
            peer, tls="required", ca_file=str(CERTIFICATE), username=login[0], password=login[1]
        )
    assert states(outcomes) == [("relayed", "2.0.0")]
    assert peer.taken[0].login == login


async def test_a_wrong_password_is_for_people_to_put_right() -> None:
    async with smtp_peer(login=("ann", "secret")) as peer:
        (outcome,) = await send(peer, username="ann", password="wrong")
    assert (outcome.state, outcome.status) == ("waiting", "4.7.8")
    assert outcome.answer == "535 5.7.8 wrong"


async def test_a_server_without_our_mechanisms() -> None:
    async with smtp_peer(login=("ann", "secret")) as peer:
        peer.mechanisms = "GSSAPI"
        (outcome,) = await send(peer, username="ann", password="secret")
    assert (outcome.state, outcome.status) == ("waiting", "4.7.0")


async def test_a_password_leaves_where_nobody_can_read_it(other_certificate: Path) -> None:
    """By opportunistic TLS only to a valid certificate, else it stays here; the machine itself may see it."""
    far, near = Endpoint("mx.example", "192.0.2.1", 25), Endpoint("localhost", "127.0.0.1", 25)
    with_password = Policy("x", tls="opportunistic", username="ann", password="secret")
    assert with_password.needs_tls(far)
    assert with_password.verifies(far)
    assert with_password.get_context(far).verify_mode == ssl.CERT_REQUIRED
    assert not with_password.needs_tls(near)
    without = Policy("x", tls="opportunistic")
    assert not without.needs_tls(far)
    assert without.get_context(far).verify_mode == ssl.CERT_NONE
    assert not Policy("x", tls="none", username="ann").needs_tls(far)
