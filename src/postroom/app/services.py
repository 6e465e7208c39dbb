"""Putting the domain together over a store, for the server and for the commands that work beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from postroom.app.factors import make_factors
from postroom.app.oidc_http import DocumentFetcher
from postroom.auth.passwords import PasswordHasher
from postroom.config.filters import FiltersConfig
from postroom.config.root import Config
from postroom.content.pictures import PictureMaker
from postroom.content.pool import HelperPool, count_helpers
from postroom.content.work import ContentWork
from postroom.domain import Domain
from postroom.domain.access_tokens import AccessTokens
from postroom.domain.accounts import Accounts
from postroom.domain.address_book import AddressBook
from postroom.domain.attachments import Attachments
from postroom.domain.batches import Batches
from postroom.domain.bimi import Bimi
from postroom.domain.calls import Calls
from postroom.domain.captchas import Captchas
from postroom.domain.carrying import Carrying
from postroom.domain.clearing import LogoutPurges
from postroom.domain.clock import Clock
from postroom.domain.conversation_batches import ConversationBatches
from postroom.domain.conversation_changes import ConversationChanges
from postroom.domain.conversations import Conversations
from postroom.domain.cookie_logins import CookieLogins
from postroom.domain.counters import Counters
from postroom.domain.deltas import Deltas
from postroom.domain.doomed import Doomed
from postroom.domain.drafts import Drafts
from postroom.domain.event_streams import EventStreams
from postroom.domain.filter_settings import FilterSettings
from postroom.domain.folder_changes import FolderChanges
from postroom.domain.folders import Folders
from postroom.domain.found_conversations import FoundConversations
from postroom.domain.health import Health
from postroom.domain.identities import Identities
from postroom.domain.indexes import Indexes
from postroom.domain.ingest import Ingest
from postroom.domain.jobs import Jobs
from postroom.domain.labels import Labels
from postroom.domain.learning import Learning
from postroom.domain.letters import Letters
from postroom.domain.logins import Logins
from postroom.domain.mail_changes import MailChanges, Policies
from postroom.domain.mails import Mails
from postroom.domain.messages import Messages
from postroom.domain.news import News
from postroom.domain.operations import Operations
from postroom.domain.passwords import Passwords
from postroom.domain.profiles import Profiles
from postroom.domain.quota_notices import QuotaNotices
from postroom.domain.receipts import Receipts
from postroom.domain.routing import Routing
from postroom.domain.search import Search
from postroom.domain.search_folders import SearchFolders
from postroom.domain.search_suggestions import SearchSuggestions
from postroom.domain.security_log import SecurityLogs
from postroom.domain.security_notices import SecurityNotices
from postroom.domain.sending import Sending
from postroom.domain.server_secrets import ServerSecrets
from postroom.domain.settings import Settings
from postroom.domain.sharing import Sharing
from postroom.domain.signatures import Signatures
from postroom.domain.spam_filters import SpamFilters
from postroom.domain.temporary_aliases import TemporaryAliases
from postroom.domain.temporary_attachments import TemporaryAttachments
from postroom.domain.tickets import Tickets
from postroom.domain.tokens import Tokens
from postroom.domain.unsending import Unsending
from postroom.domain.vacation import Vacations
from postroom.domain.visits import Visits
from postroom.domain.webhooks import Webhooks
from postroom.store import Store, open_store
from postroom.store.stats import CommitStats

if TYPE_CHECKING:
    from postroom.app.rspamd import Rspamd
    from postroom.app.telemetry import Telemetry


@dataclass(frozen=True)
class Services:
    """A store and the domain over it."""

    store: Store
    domain: Domain
    commits: CommitStats
    hasher: PasswordHasher
    helpers: HelperPool
    clock: Clock
    secrets: ServerSecrets


@asynccontextmanager
async def open_services(
    config: Config, clock: Clock | None = None, *, telemetry: "Telemetry | None" = None
) -> AsyncIterator[Services]:
    """Open the store and the domain for the time of a block; the clock is the system's, if none is given.

    Raises: schemaTooNew, schemaChanged, badKeyFile, serverKeyMissing, unavailable.
    """
    clock = clock or Clock()
    commits = CommitStats()
    store = await open_store(
        config.store.url,
        config.data_dir,
        connections=config.store.pool_size,
        inline_limit_bytes=config.store.inline_limit_bytes,
        blobs=config.blobs,
        on_commit=commits,
    )
    if telemetry is not None:
        store.engine = telemetry.around_engine(store.engine)
    hasher = PasswordHasher(config.auth)
    helpers = HelperPool(count_helpers(config.helpers))
    try:
        secrets = await ServerSecrets.load(store, config.data_dir)
        work = ContentWork(helpers)
        domain = await make_domain(store, config, hasher, work=work, clock=clock, secrets=secrets)
        try:
            yield Services(store, domain, commits, hasher, helpers, clock, secrets)
        finally:
            domain.news.close()
            await domain.logins.tokens.close()
            await domain.logins.log.close()
            await domain.jobs.close()
            await domain.learning.close()
            await domain.doomed.close()
            await domain.temporary_attachments.close()
            await domain.recovery.close()
    finally:
        await helpers.close()
        hasher.close()
        await store.close()


class _Parts(NamedTuple):
    """What several use cases are made of."""

    clock: Clock
    logins: Logins
    captchas: Captchas
    messages: Messages
    news: News
    settings: Settings
    secrets: ServerSecrets
    tokens: Tokens
    routing: Routing
    rspamd: "Rspamd | None"
    learning: Learning
    policies: Policies
    doomed: Doomed
    jobs: Jobs
    letters: Letters
    attachments: TemporaryAttachments
    search_folders: SearchFolders
    bimi: Bimi


class _AccountCases(TypedDict):
    """The use cases of what an account has besides mail."""

    access_tokens: AccessTokens
    health: Health
    accounts: Accounts
    calls: Calls
    cookie_logins: CookieLogins
    address_book: AddressBook
    filter_settings: FilterSettings
    indexes: Indexes
    learning: Learning
    passwords: Passwords
    profiles: Profiles
    security_logs: SecurityLogs
    sharing: Sharing
    signatures: Signatures
    temporary_aliases: TemporaryAliases
    settings: Settings
    tickets: Tickets
    vacations: Vacations


async def make_domain(
    store: Store,
    config: Config,
    hasher: PasswordHasher,
    *,
    work: ContentWork | None = None,
    clock: Clock | None = None,
    secrets: ServerSecrets | None = None,
) -> Domain:
    """Return the use cases over an open store. Raises: badKeyFile, serverKeyMissing, unavailable."""
    parts = await _make_parts(store, config, hasher, work=work, clock=clock or Clock(), secrets=secrets)
    logins, settings, tokens, policies = parts.logins, parts.settings, parts.tokens, parts.policies
    sessions, doomed, jobs = logins.sessions, parts.doomed, parts.jobs
    found = FoundConversations(store, parts.search_folders)
    return Domain(
        **_make_account_cases(store, config, parts, hasher=hasher, work=work),
        **await make_factors(store, config, parts.secrets, hasher=hasher, logins=logins, clock=parts.clock),
        attachments=Attachments(parts.messages),
        batches=Batches(store, jobs, parts.search_folders, carrying=_make_carrying(store, config, parts)),
        bimi=parts.bimi,
        conversation_batches=ConversationBatches(store, jobs, found),
        conversation_changes=ConversationChanges(store, policies, jobs),
        conversations=_make_conversations(store, config, parts, found=found),
        counters=Counters(store, logins, parts.news),
        deltas=Deltas(store, sessions, tokens, search_folders=parts.search_folders),
        doomed=doomed,
        drafts=Drafts(store, parts.letters, config.classes),
        event_streams=EventStreams(store, parts.news, sessions, tokens=tokens),
        folder_changes=FolderChanges(store, policies, on_doomed=doomed.begin),
        folders=Folders(store),
        ingest=_make_ingest(store, config, parts, work=work),
        jobs=jobs,
        labels=Labels(store, on_doomed=doomed.begin),
        logins=logins,
        mail_changes=MailChanges(store, policies, _make_carrying(store, config, parts)),
        mails=Mails(store, sessions, settings, search_folders=parts.search_folders),
        messages=parts.messages,
        news=parts.news,
        operations=Operations(store, policies, jobs),
        search=Search(store, parts.search_folders),
        search_folders=parts.search_folders,
        search_suggestions=SearchSuggestions(store),
        sending=_make_sending(store, config, parts),
        temporary_attachments=parts.attachments,
        tokens=tokens,
        unsending=Unsending(store, parts.letters),
        visits=Visits(store, config.classes, config.retention, doomed=doomed, clock=parts.clock),
        webhooks=await Webhooks.open(store, config.webhooks, config.retention, server_secrets=parts.secrets),
    )


def _make_conversations(
    store: Store, config: Config, parts: _Parts, *, found: FoundConversations
) -> Conversations:
    return Conversations(
        store,
        parts.logins.sessions,
        parts.settings,
        classes=config.classes,
        search_folders=parts.search_folders,
        found=found,
    )


def _make_account_cases(
    store: Store, config: Config, parts: _Parts, *, hasher: PasswordHasher, work: ContentWork | None
) -> _AccountCases:
    now, pictures = parts.clock.now, PictureMaker()
    return _AccountCases(
        access_tokens=AccessTokens(store, now=now),
        health=Health(store),
        accounts=Accounts(store, config.classes, now=now),
        calls=Calls(store, config.classes, hasher, now=now),
        cookie_logins=CookieLogins(
            store, config.auth, parts.logins, parts.captchas, find_stage=parts.logins.find_stage
        ),
        address_book=AddressBook.over(
            store,
            config.classes,
            pictures,
            sessions=parts.logins.sessions,
            settings=parts.settings,
            tokens=parts.tokens,
        ),
        filter_settings=FilterSettings(store),
        indexes=Indexes(store, config.classes),
        learning=parts.learning,
        passwords=Passwords(store, parts.logins, hasher, config.classes, now=now),
        profiles=Profiles(store, pictures),
        security_logs=SecurityLogs(store),
        sharing=Sharing(store, primary_domain=config.primary_domain),
        signatures=Signatures(store, work),
        temporary_aliases=TemporaryAliases(store, config.classes, clock=parts.clock),
        settings=parts.settings,
        tickets=Tickets(store, parts.logins, now=now),
        vacations=Vacations(store),
    )


async def _make_parts(
    store: Store,
    config: Config,
    hasher: PasswordHasher,
    *,
    work: ContentWork | None,
    clock: Clock,
    secrets: ServerSecrets | None,
) -> _Parts:
    secrets = secrets or await ServerSecrets.load(store, config.data_dir)
    doomed = Doomed(store)
    logins = _make_logins(store, config, hasher, clock=clock, doomed=doomed)
    news = News(
        store,
        max_per_account=config.http.max_event_streams_per_account,
        max_in_all=config.http.max_event_streams,
    )
    messages = Messages(store, work)
    routing = Routing(store, has_relay=bool(config.relay.host))
    receipts = Receipts(store, config.classes, routing, clock=clock, hostname=config.sending.hostname)
    attachments = TemporaryAttachments(store, messages, config.classes, clock=clock)
    limit = config.lmtp.max_message_bytes
    settings = Settings(store, config.classes)
    rspamd = _make_rspamd(config.filters)
    learning = Learning(store, rspamd)
    policies = Policies(config.classes, on_marked=receipts.acknowledge, learning=learning)
    return _Parts(
        clock=clock,
        logins=logins,
        captchas=await Captchas.open(store, secrets, logins.guesses, now=clock.now),
        messages=messages,
        news=news,
        settings=settings,
        secrets=secrets,
        tokens=await Tokens.open(secrets),
        routing=routing,
        rspamd=rspamd,
        learning=learning,
        policies=policies,
        doomed=doomed,
        jobs=Jobs(store, policies, on_progress=news.job_changed),
        letters=Letters(store, messages, attachments, work=work, clock=clock, max_message_bytes=limit),
        attachments=attachments,
        search_folders=SearchFolders(store, logins.sessions, settings, clock=clock),
        bimi=_make_bimi(store, config, clock),
    )


def _make_logins(
    store: Store, config: Config, hasher: PasswordHasher, *, doomed: Doomed, clock: Clock
) -> Logins:
    logins = Logins(
        store,
        config.auth,
        hasher=hasher,
        classes=config.classes,
        primary_domain=config.primary_domain,
        trusted=config.http.trusted_proxy_networks,
        purges=LogoutPurges(config.classes, follow=doomed.finish),
        now=clock.now,
    )
    if config.oidc.issuer:
        fetcher = DocumentFetcher(config.oidc)
        logins.tokens.identities = Identities(config.oidc, fetcher.fetch, now=clock.now)
    return logins


def _make_bimi(store: Store, config: Config, clock: Clock) -> Bimi:
    trusted_hosts = config.filters.trusted_hosts
    return Bimi(store, trusted_hosts=trusted_hosts, is_enabled=config.bimi.enabled, clock=clock)


def _make_rspamd(config: FiltersConfig) -> "Rspamd | None":
    if not config.rspamd_url and not config.rspamd_learn_url:
        return None
    # Most servers have none: they need not pay for the HTTP client.
    from postroom.app.rspamd import Rspamd  # noqa: PLC0415

    return Rspamd(config)


def _make_ingest(store: Store, config: Config, parts: _Parts, *, work: ContentWork | None) -> Ingest:
    ingest = Ingest(
        store,
        config.classes,
        max_message_bytes=config.lmtp.max_message_bytes,
        work=work,
        routing=parts.routing,
        filters=SpamFilters(store, config.filters, parts.rspamd),
        bimi=parts.bimi,
        now=parts.clock.now,
    )
    notices = QuotaNotices(store, config.classes, prepare=ingest.prepare, clock=parts.clock)
    parts.doomed.also.append(notices.file_due)
    told = SecurityNotices(store, config.classes, prepare=ingest.prepare, clock=parts.clock)
    parts.doomed.also.append(told.file_due)
    return ingest


def _make_carrying(store: Store, config: Config, parts: _Parts) -> Carrying:
    return Carrying(store, parts.messages, parts.letters, config.classes)


def _make_sending(store: Store, config: Config, parts: _Parts) -> Sending:
    return Sending(
        store,
        parts.letters,
        parts.routing,
        messages=parts.messages,
        settings=parts.settings,
        classes=config.classes,
        undo_seconds=config.sending.undo_seconds,
    )
