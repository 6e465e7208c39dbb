"""AUTH as a real server has it: Postfix with Cyrus SASL lets nobody send who has not logged in."""

import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
from tests.fixtures.outbound import outbound
from tests.protocol.lmtp_peer import serve
from tests.protocol.postfix_instance import missing, running_postfix
from tests.protocol.smtp_peer import CERTIFICATE
from tests.protocol.test_postfix_relay import Relay, states

from postroom.delivery.limits import LMTPLimits
from postroom.model.outgoing import RELAY

NAME, PASSWORD = "postroom", "Grüße; or \\so\\ = 'it' seems"
REALM = "relay.example.org"
_SASLPASSWD = shutil.which("saslpasswd2") or shutil.which("saslpasswd2", path="/usr/sbin")
_MISSING = missing() or ("" if _SASLPASSWD else "there is no saslpasswd2: apt-get install sasl2-bin")

pytestmark = [
    pytest.mark.postfix,
    pytest.mark.asyncio(loop_factories=["uvloop"]),
    pytest.mark.skipif(_MISSING != "", reason=_MISSING or "available"),
]

OPTIONS = f"""
smtpd_tls_security_level = may
smtpd_tls_chain_files = {CERTIFICATE}
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = {REALM}
smtpd_sasl_security_options = noanonymous
smtpd_client_connection_count_limit = 0
smtpd_relay_restrictions =
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
cyrus_sasl_config_path = {{root}}/configuration/sasl
"""


class Open(Protocol):
    """Begins a Postfix with some mechanisms, and more options."""

    def __call__(self, mechanisms: str, options: str = "") -> AbstractAsyncContextManager[Relay]:
        """Begin it for the time of a block."""


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Begin a Postfix with some mechanisms, and more options."""

    @asynccontextmanager
    async def begin(mechanisms: str, options: str = "") -> AsyncIterator[Relay]:
        root = Path(tempfile.mkdtemp(prefix="postroom-postfix-"))
        root.chmod(0o755)
        try:
            _make_password(root, mechanisms)
            lines = OPTIONS.format(root=root) + options
            async with serve(tmp_path, limits=LMTPLimits()) as served:
                with running_postfix(root, lmtp=served.address, options=lines) as postfix:
                    yield Relay(postfix, served.inbox)
        finally:
            shutil.rmtree(root)

    return begin


def _make_password(root: Path, mechanisms: str) -> None:
    database = root / "sasldb2"
    assert _SASLPASSWD is not None
    subprocess.run(
        [_SASLPASSWD, "-c", "-p", "-f", database, "-u", REALM, NAME], input=PASSWORD.encode(), check=True
    )
    shutil.chown(database, "postfix")
    # Debian's Postfix looks for it beside its own configuration.
    folder = root / "configuration" / "sasl"
    folder.mkdir(parents=True)
    (folder / "smtpd.conf").write_text(
        f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: {mechanisms}\n"
    )


@pytest.mark.parametrize(
    ("mechanisms", "mode", "options"),
    [
        ("PLAIN LOGIN", "required", "smtpd_tls_auth_only = yes\n"),
        ("LOGIN", "required", "smtpd_tls_auth_only = yes\n"),
        ("DIGEST-MD5 CRAM-MD5 PLAIN", "opportunistic", ""),
        ("PLAIN", "none", ""),
        ("LOGIN", "none", "broken_sasl_auth_clients = yes\n"),
    ],
)
async def test_the_right_password(opened: Open, mechanisms: str, mode: str, options: str) -> None:
    async with opened(mechanisms, options) as relay:
        transport = relay.transport(tls=mode, ca_file=str(CERTIFICATE), username=NAME, password=PASSWORD)
        for _ in range(3):
            outcomes = await transport.send(RELAY, outbound("ann@example.test"))
            assert states(outcomes) == [("relayed", "2.0.0")]
        await transport.close()
        await relay.deliveries(3)
        used = "LOGIN" if mechanisms == "LOGIN" else "PLAIN"
        assert f"sasl_method={used}, sasl_username={NAME}@{REALM}" in relay.postfix.log()
        assert relay.connections == 1


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
async def test_a_wrong_password_keeps_mail_waiting(opened: Open, mechanisms: str) -> None:
    async with opened(mechanisms) as relay:
        transport = relay.transport(tls="required", ca_file=str(CERTIFICATE), username=NAME, password="no")
        [outcome] = await transport.send(RELAY, outbound("ann@example.test"))
        assert (outcome.state, outcome.status) == ("waiting", "4.7.8")
        assert "535" in outcome.answer
        await transport.close()
        assert relay.inbox.deliveries == []


async def test_without_a_password_nobody_sends(opened: Open) -> None:
    async with opened("PLAIN") as relay:
        transport = relay.transport(tls="required", ca_file=str(CERTIFICATE))
        assert (await transport.send(RELAY, outbound("ann@example.test")))[0].state == "failed"
        await transport.close()


async def test_a_server_whose_mechanisms_we_do_not_know(opened: Open) -> None:
    async with opened("CRAM-MD5") as relay:
        transport = relay.transport(
            tls="required", ca_file=str(CERTIFICATE), username=NAME, password=PASSWORD
        )
        [outcome] = await transport.send(RELAY, outbound("ann@example.test"))
        assert outcome.state == "waiting"
        assert "PLAIN or LOGIN" in outcome.answer
        await transport.close()
