"""The filters of incoming mail: whether a message goes to Spam instead of the Inbox, by the account that gets it.

In this order: the white list, and the address book where the account includes it: never; the black list, without the
address book where the account says so: always; then each on/off filter that is enabled, until one says spam. Senders
are the envelope sender and the authors in From; an account knows a message by any of them.

What can be told from the message is read where it is digested (:mod:`postroom.content.traits`); what the account has
set and knows of the senders is one look-up, outside of the transaction of the delivery. A scorer (rspamd) is asked
at most once for a message, and only if the verdict of some account depends on it.

Nothing here keeps a message from being delivered: what fails is told in the log, and skipped.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple, Protocol

import structlog

from postroom.config.filters import FiltersConfig
from postroom.content.digest import Digest
from postroom.content.traits import FILTER_FIELD, Traits
from postroom.domain.addresses import normalise_domain
from postroom.domain.sender_keys import keys_of
from postroom.errors import PostroomError
from postroom.mime.authentication_results import AuthenticationResults, fold_domain, read_results
from postroom.mime.headers import unfold
from postroom.mime.raw import Raw
from postroom.model.envelope import Envelope
from postroom.model.filters import (
    BULK,
    DANGEROUS_ATTACHMENT,
    FAILED_AUTHENTICATION,
    FILTER_NAMES,
    FORGED_SENDER,
    REMOTE_IMAGES,
    SPAM_SCORE,
    Standing,
)
from postroom.model.ids import AccountId
from postroom.store import Store

LOCAL_CLIENT = "queue"
"""The client of envelopes of messages that were sent here."""
_AUTHENTICATED = ("esmtpa", "esmtpsa", "utf8smtpa", "utf8smtpsa", "lmtpa", "lmtpsa", "http", "https")
"""Protocols of Received by which somebody who had logged in has sent a message (RFC 3848)."""

_log = structlog.get_logger("postroom.filters")


class Verdict(NamedTuple):
    """Why a message goes to Spam: by the black list, or by the on/off filter with a number."""

    number: int
    detail: str = ""

    def render(self) -> bytes:
        """Return the field that records it."""
        words = f"{self.number} {FILTER_NAMES[self.number]}" if self.number else "blacklist"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{FILTER_FIELD}: {words}{detail}\r\n".encode("ascii", "replace")


class Score(NamedTuple):
    """What a scorer says of a message."""

    is_spam: bool
    score: float


class Scorer(Protocol):
    """Somebody who scores messages. No method ever raises."""

    async def score(self, envelope: Envelope, content: Raw, *, received: str) -> Score | None:
        """Return the score of a message, None if there is none now; ``received`` is of the server in front."""
        ...


class _Case:
    """A message before the filters, and what is found out about it once, for all accounts."""

    def __init__(self, envelope: Envelope, content: Raw, traits: Traits, *, config: FiltersConfig) -> None:
        self.envelope = envelope
        self.content = content
        self.traits = traits
        self._config = config
        self.score: Score | None = None
        self.claims_local = False
        """The domain of an author is one of this server."""

    @cached_property
    def keys(self) -> list[str]:
        """The keys of the senders."""
        return keys_of([self.envelope.sender, *self.traits.authors])

    @cached_property
    def results(self) -> AuthenticationResults:
        """What trusted hosts say."""
        return read_results(self.traits.traces, self._config.trusted_hosts)

    @property
    def spam_field(self) -> str:
        """The field by which a filter in front has called it spam, if that is believed; else ""."""
        is_believed = self._config.trust_spam_headers and not self.is_submitted_here
        return self.traits.spam_field if is_believed else ""

    @cached_property
    def received(self) -> str:
        """The Received of the server in front."""
        return unfold(self.traits.received[:2000])

    @property
    def is_submitted_here(self) -> bool:
        """Whether it was sent from this server, by somebody who had logged in."""
        return self.envelope.client == LOCAL_CLIENT

    @cached_property
    def author_domains(self) -> list[str]:
        """The domains of the authors."""
        domains = (author.rpartition("@")[2] for author in self.traits.authors)
        return list(dict.fromkeys(map(fold_domain, domains)))

    @cached_property
    def is_authentic(self) -> bool:
        """Whether it is known that it comes from where its authors are, or from inside."""
        if self.is_submitted_here or not _comes_from_outside(self.received):
            return True
        results = self.results
        proven = set(results.dkim_domains) | ({results.spf_domain} if results.spf == "pass" else set())
        return results.is_authenticated or results.dmarc == "pass" or proven >= set(self.author_domains)


def _comes_from_outside(received: str) -> bool:
    """Tell whether a message came to the server in front from elsewhere, without a login; so it is if not told."""
    words = received.lower().split()
    if not words:
        return True
    if words[0] != "from":  # A program on that machine has handed it over.
        return False
    return not any(one == "with" and other.strip(";") in _AUTHENTICATED for one, other in pairwise(words))


class SpamFilters:
    """The filters of all accounts."""

    def __init__(self, store: Store, config: FiltersConfig, scorer: Scorer | None = None) -> None:
        """Without a ``scorer`` only the headers of a filter in front tell a score."""
        self._store = store
        self._config = config
        self._scorer = scorer
        self.moved: Counter[str] = Counter()
        """Mails that were put into Spam, by the number of the filter or ``blacklist``."""

    async def judge(
        self, envelope: Envelope, content: Raw, digest: Digest, *, account_ids: Sequence[AccountId]
    ) -> Mapping[AccountId, Verdict]:
        """Return why a message goes to Spam, for those of the accounts where it does."""
        try:
            return await self._judge(envelope, content, digest, account_ids=account_ids)
        except PostroomError as error:
            _log.warning("the filters were skipped", error=str(error), private=error.private)
        except Exception:  # noqa: BLE001 - a delivery never fails because a filter did
            _log.exception("the filters failed and were skipped")
        return {}

    async def _judge(
        self, envelope: Envelope, content: Raw, digest: Digest, *, account_ids: Sequence[AccountId]
    ) -> Mapping[AccountId, Verdict]:
        if digest.traits is None:
            _log.error("a message could not be looked at by the filters")
            return {}
        case = _Case(envelope, content, digest.traits, config=self._config)
        standings: dict[AccountId, Standing] = {}
        for account_id in account_ids:
            async with self._store.peek(account_id) as mailbox:
                standings[account_id] = await mailbox.filters.find_standing(case.keys)
        asked = [standing for standing in standings.values() if _is_open(standing)]
        if any(standing.setting.is_on(FORGED_SENDER) for standing in asked) and not case.is_authentic:
            case.claims_local = await self._is_local(case.author_domains)
        if any(standing.setting.is_on(SPAM_SCORE) for standing in asked):
            await self._ask_scorer(case)
        verdicts = {account_id: _decide(case, standing) for account_id, standing in standings.items()}
        moved = {account_id: verdict for account_id, verdict in verdicts.items() if verdict is not None}
        self.moved.update(str(verdict.number or "blacklist") for verdict in moved.values())
        return moved

    async def _is_local(self, domains: Sequence[str]) -> bool:
        """Tell whether any of some domains is one of this server."""
        async with self._store.directory() as directory:
            for name in domains:
                try:
                    domain = normalise_domain(name)
                except PostroomError:
                    continue
                if await directory.directory.domains.find(domain) is not None:
                    return True
        return False

    async def _ask_scorer(self, case: _Case) -> None:
        if self._scorer is not None and not case.spam_field:
            case.score = await self._scorer.score(case.envelope, case.content, received=case.received)


def _decide(case: _Case, standing: Standing) -> Verdict | None:
    """Return why a message goes to an account's Spam, None if it does not."""
    if _is_allowed(standing):
        return None
    if _is_forbidden(standing):
        return Verdict(0)
    for number, ask in _FILTERS.items():
        detail = ask(case, standing) if standing.setting.is_on(number) else None
        if detail is not None:
            return Verdict(number, detail)
    return None


def _is_allowed(standing: Standing) -> bool:
    return standing.is_white or bool(standing.is_known and standing.setting.includes_address_book)


def _is_forbidden(standing: Standing) -> bool:
    return standing.is_black and not (standing.is_known and standing.setting.excludes_address_book)


def _is_open(standing: Standing) -> bool:
    """Tell whether the on/off filters decide."""
    return not _is_allowed(standing) and not _is_forbidden(standing)


# The on/off filters: each returns in a word or two why a message is spam, "" if there is nothing to add, else None.


def _spam_score(case: _Case, _: Standing) -> str | None:
    if case.spam_field:
        return case.spam_field
    if case.score is not None and case.score.is_spam:
        return f"rspamd {case.score.score:.2f}"
    return None


def _failed_authentication(case: _Case, _: Standing) -> str | None:
    results = case.results
    if results.dmarc == "fail":
        return "dmarc=fail"
    return "spf=fail dkim=fail" if results.spf == results.dkim == "fail" else None


def _forged_sender(case: _Case, _: Standing) -> str | None:
    return "" if case.claims_local and not case.is_authentic else None


def _dangerous_attachment(case: _Case, _: Standing) -> str | None:
    return "" if case.traits.has_dangerous else None


def _remote_images(case: _Case, standing: Standing) -> str | None:
    return "" if case.traits.shows_images_alone and not standing.is_known else None


def _bulk(case: _Case, _: Standing) -> str | None:
    return "" if case.traits.is_bulk else None


_FILTERS: Mapping[int, Callable[[_Case, Standing], str | None]] = {
    SPAM_SCORE: _spam_score,
    FAILED_AUTHENTICATION: _failed_authentication,
    FORGED_SENDER: _forged_sender,
    DANGEROUS_ATTACHMENT: _dangerous_attachment,
    REMOTE_IMAGES: _remote_images,
    BULK: _bulk,
}
