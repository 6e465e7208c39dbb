"""A private Postfix: own configuration, queue and log, loopback only, high ports; gone with its context.

It accepts mail by SMTP and hands everything for ``example.test`` to an LMTP server, as an installation would.
"""

import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from postroom.bench.server import find_free_port

_DAEMONS = Path("/usr/lib/postfix/sbin")
_MAIN_CF = """
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
maillog_file = {root}/mail.log
maillog_file_prefixes = {root}
inet_protocols = ipv4
myhostname = relay.example.org
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
smtpd_recipient_restrictions = permit_mynetworks, reject
virtual_mailbox_domains = example.test
virtual_transport = lmtp:inet:{lmtp}
smtp_dns_support_level = disabled
lmtp_dns_support_level = disabled
smtpd_peername_lookup = no
default_transport = error:mail to other domains is not part of this
smtputf8_enable = yes
message_size_limit = 100000000
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
transport_retry_time = 1s
"""

_MASTER_CF = """
{smtp} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def missing() -> str:
    """Return why no private Postfix can run here; "" if one can."""
    if _find_command("postfix") is None or not _DAEMONS.exists():
        return "Postfix is not installed: apt-get install postfix"
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    return ""


@dataclass(frozen=True)
class Postfix:
    """A running Postfix."""

    smtp_port: int
    root: Path

    def submit(
        self, sender: str, recipients: Sequence[str], message: bytes, *, options: Sequence[str] = ()
    ) -> None:
        """Hand it a message by SMTP; blocks."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="client.example.org") as client:
            client.sendmail(sender, recipients, message, mail_options=options)

    def log(self) -> str:
        """Return what it has logged so far."""
        path = self.root / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def running_postfix(root: Path, *, lmtp: str, options: str = "") -> Iterator[Postfix]:
    """Run a Postfix in ``root`` that delivers to the LMTP server at ``lmtp`` (host:port).

    ``options`` are more lines of main.cf, which win over those above.
    """
    postfix = _find_command("postfix")
    assert postfix is not None
    port = find_free_port()
    configuration = _write_configuration(root, lmtp=lmtp, port=port, options=options)
    instance = Postfix(port, root)
    with (root / "start.log").open("wb") as log:
        # The check also makes the directories of the queue. The master process then runs as our child, which "postfix
        # start" would not give us, so that ending it ends all.
        subprocess.run([postfix, "-c", configuration, "check"], stdout=log, stderr=log, check=False)
        process = subprocess.Popen([_DAEMONS / "master", "-c", configuration, "-s"], stdout=log, stderr=log)
    try:
        _wait_for_port(process, instance)
        yield instance
    finally:
        process.terminate()
        process.wait(20)


def _write_configuration(root: Path, *, lmtp: str, port: int, options: str) -> Path:
    values = {
        "root": root,
        "lmtp": lmtp,
        "smtp": f"127.0.0.1:{port}",
        "daemons": _DAEMONS,
    }
    configuration = root / "configuration"
    for directory in (configuration, root / "queue", root / "data"):
        directory.mkdir(parents=True, exist_ok=True)
    user = pwd.getpwnam("postfix")
    os.chown(root / "data", user.pw_uid, user.pw_gid)
    (configuration / "main.cf").write_text(_MAIN_CF.format(**values) + options)
    (configuration / "master.cf").write_text(_MASTER_CF.format(**values))
    return configuration


def _find_command(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def _wait_for_port(process: subprocess.Popen[bytes], instance: Postfix) -> None:
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", instance.smtp_port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    start_log = (instance.root / "start.log").read_text(errors="replace")
    raise RuntimeError(f"Postfix did not start: {start_log}\n{instance.log()}")
