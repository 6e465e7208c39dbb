"""DNS of the domains here: where their mail comes in (MX), and what lets receivers believe in what they send.

That is SPF (RFC 7208), DKIM (RFC 6376), whose record is compared with the key that signs here, and DMARC (RFC 7489).
Domains under names that are reserved for tests (RFC 6761) are left alone.
"""

import asyncio
import re
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from postroom.app.doctor.finding import Finding, ok, problem, skipped, warning
from postroom.app.doctor.storage import NotThereError, opened_as_it_is
from postroom.config.root import Config
from postroom.config.sending import parse_nameserver
from postroom.errors import PostroomError
from postroom.outgoing.dkim import DKIMKey
from postroom.outgoing.dkim_keys import DKIMKeys, KeyUnusableError
from postroom.outgoing.machine_name import get_machine_name
from postroom.outgoing.resolver import DNSResolver, LookupFailedError, NoDomainError

MAX_DOMAINS: Final = 50
AT_ONCE: Final = 10
LOOKUP_SECONDS: Final = 6.0
_RESERVED: Final = (
    "test",
    "example",
    "invalid",
    "localhost",
    "local",
    "example.com",
    "example.net",
    "example.org",
)
_TAG: Final = re.compile(r"\s*([a-zA-Z]+)\s*=\s*([^;]*?)\s*(?:;|\Z)")
_CHECK: Final = "dns"


async def check_names(config: Config) -> list[Finding]:
    """Look up all domains of the store, some at the same time."""
    try:
        async with opened_as_it_is(config) as store, store.directory() as directory:
            domains = [domain.name for domain in await directory.directory.domains.list_all()]
    except (NotThereError, PostroomError):
        return [skipped(_CHECK, "not looked up: the domains are in the store, which cannot be read")]
    if not domains:
        return [skipped(_CHECK, "there are no domains yet: postroom domain add")]
    real = [domain for domain in domains if not _is_reserved(domain)]
    found = [
        skipped(_CHECK, f"{domain}: reserved for tests and examples (RFC 6761)")
        for domain in domains
        if domain not in real
    ]
    if len(real) > MAX_DOMAINS:
        found.append(skipped(_CHECK, f"only the first {MAX_DOMAINS} of {len(real)} domains were looked up"))
    names = _Names(config)
    turns = asyncio.Semaphore(AT_ONCE)

    async def look(domain: str) -> list[Finding]:
        async with turns:
            return await names.look_up(domain)

    for findings in await asyncio.gather(*map(look, real[:MAX_DOMAINS])):
        found += findings
    if real:
        found += await names.look_up_ourselves()
    return found


def _is_reserved(domain: str) -> bool:
    return any(domain == name or domain.endswith(f".{name}") for name in _RESERVED)


class _Names:
    """Looks up domains."""

    def __init__(self, config: Config) -> None:
        self._config = config
        servers = [parse_nameserver(text) for text in config.sending.nameservers]
        self._resolver = DNSResolver(servers, lookup_seconds=LOOKUP_SECONDS)
        self._keys = DKIMKeys(config.data_dir, selector=config.dkim.selector)

    async def look_up(self, domain: str) -> list[Finding]:
        """Return what is found of a domain; one line where all is well."""
        looks = (self._exchangers, self._spf, self._dkim, self._dmarc)
        results = await asyncio.gather(*(self._bounded(look(domain), domain) for look in looks))
        troubles = [finding for finding in results if finding.is_trouble]
        if troubles:
            return troubles
        told = [finding.what for finding in results]
        return [ok(_CHECK, f"{domain}: {', '.join(told)}")]

    async def look_up_ourselves(self) -> list[Finding]:
        """Look up the name that this server gives to others, where it speaks to them itself."""
        config = self._config
        if config.relay.host or not config.sending.direct:
            return []
        name = config.sending.hostname or get_machine_name()
        try:
            found = await self._resolver.find_addresses(name)
        except (NoDomainError, LookupFailedError):
            found = []
        if found:
            return []
        text = f"{name}, which this server calls itself, has no address"
        remedy = (
            "set sending.hostname to a name that leads to this machine's address, or send through a relay"
        )
        return [warning(_CHECK, text, remedy)]

    async def _bounded(self, look: Coroutine[Any, Any, Finding], domain: str) -> Finding:
        try:
            return await look
        except LookupFailedError as error:
            remedy = (
                "see that the name servers answer (sending.nameservers, /etc/resolv.conf), and look again"
            )
            return warning(_CHECK, f"{domain}: {error}", remedy)

    async def _texts(self, name: str, beginning: str) -> list[str]:
        """Return the TXT records that begin like that. Raises: LookupFailedError."""
        try:
            texts = await self._resolver.find_texts(name)
        except NoDomainError:
            return []
        return [text for text in texts if re.match(rf"{beginning}(?:[\s;]|\Z)", text, re.IGNORECASE)]

    async def _exchangers(self, domain: str) -> Finding:
        remedy = f"publish {domain}. IN MX 10 HOST., with the name of the host that takes its mail by SMTP"
        try:
            records = await self._resolver.find_exchangers(domain)
        except NoDomainError:
            return problem(
                _CHECK, f"{domain} does not exist in DNS", "register the domain, or correct its delegation"
            )
        if not records:
            return problem(_CHECK, f"{domain} has no MX record", remedy)
        hosts = [record.host for record in sorted(records)]
        if not any(hosts):
            return problem(_CHECK, f"{domain} says that it takes no mail (null MX)", remedy)
        without = [host for host in hosts if not await self._has_address(host)]
        if without:
            text = f"{domain}: the exchanger {', '.join(without)} has no address"
            return problem(
                _CHECK, text, f"publish an A or AAAA record of {without[0]}, or correct the MX record"
            )
        return ok(_CHECK, f"mail comes in at {', '.join(hosts)}")

    async def _has_address(self, host: str) -> bool:
        try:
            return bool(await self._resolver.find_addresses(host))
        except NoDomainError:
            return False

    async def _spf(self, domain: str) -> Finding:
        records = await self._texts(domain, "v=spf1")
        if len(records) > 1:
            text = f"{domain} has {len(records)} SPF records, which makes all of them void (RFC 7208 §4.5)"
            return problem(_CHECK, text, "put them together into one, and remove the others")
        if not records:
            remedy = (
                f'publish {domain}. IN TXT "v=spf1 mx ~all", with a: or ip4: for what else sends its mail'
            )
            return warning(_CHECK, f"{domain} has no SPF record", remedy)
        terms = records[0].lower().split()
        if {"+all", "all"} & set(terms):
            text = f"{domain}: its SPF record lets everybody send ({records[0]})"
            return warning(_CHECK, text, "end the record with ~all or -all")
        if not any(term.endswith("all") or term.startswith("redirect=") for term in terms):
            text = f"{domain}: its SPF record says nothing of other senders ({records[0]})"
            return warning(_CHECK, text, "end the record with ~all or -all")
        return ok(_CHECK, "SPF")

    async def _dkim(self, domain: str) -> Finding:
        try:
            key = self._keys.find(domain)
        except KeyUnusableError as error:
            return problem(_CHECK, str(error), "put it right, or mail from the domain waits")
        if key is None:
            if self._config.relay.host:
                return ok(_CHECK, "DKIM is left to the relay")
            remedy = f"postroom dkim generate {domain}, and publish what it prints"
            return warning(_CHECK, f"mail from {domain} is not signed (DKIM)", remedy)
        return _compare(key, await self._dkim_records(key))

    async def _dkim_records(self, key: DKIMKey) -> Sequence[str]:
        try:
            return await self._resolver.find_texts(key.record_name)
        except NoDomainError:
            return ()

    async def _dmarc(self, domain: str) -> Finding:
        """Look for the record of the domain, or of those above it (RFC 7489 §6.6.3)."""
        above = domain
        while True:
            records = await self._texts(f"_dmarc.{above}", "v=DMARC1")
            rest = above.partition(".")[2]
            if records or "." not in rest:
                break
            above = rest
        if len(records) > 1:
            text = f"{above} has {len(records)} DMARC records, which makes all of them void"
            return problem(_CHECK, text, "remove all but one")
        if not records:
            remedy = f'publish _dmarc.{domain}. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@{domain}"'
            return warning(_CHECK, f"{domain} has no DMARC record", remedy)
        policy = _read_tags(records[0]).get("p", "").lower()
        if policy not in {"none", "quarantine", "reject"}:
            text = f"{above}: its DMARC record has no policy ({records[0]})"
            return problem(_CHECK, text, "give it p=none, p=quarantine or p=reject")
        return ok(_CHECK, f"DMARC ({policy})")


def _read_tags(record: str) -> dict[str, str]:
    return {match[1]: re.sub(r"\s", "", match[2]) for match in _TAG.finditer(record)}


def _compare(key: DKIMKey, records: Sequence[str]) -> Finding:
    """Compare the records under a key's name with the key."""
    wanted = _read_tags(key.record)
    remedy = f"publish what postroom dkim show {key.domain} prints"
    if not records:
        return problem(_CHECK, f"{key.record_name} has no TXT record: signatures are not believed", remedy)
    if len(records) > 1:
        text = f"{key.record_name} has {len(records)} TXT records: which one counts is left to chance"
        return problem(_CHECK, text, "remove all but that of postroom dkim show")
    found = _read_tags(records[0])
    if found.get("p") == "":
        return problem(_CHECK, f"{key.record_name} says that its key is revoked", remedy)
    if found.get("p") != wanted["p"] or found.get("k", "rsa") != wanted["k"]:
        return problem(_CHECK, f"{key.record_name} has another key than signs here", remedy)
    if "y" in found.get("t", "").split(":"):
        text = f"{key.record_name} says that DKIM is only being tested (t=y)"
        return warning(_CHECK, text, "remove t=y from the record")
    return ok(_CHECK, "DKIM")
