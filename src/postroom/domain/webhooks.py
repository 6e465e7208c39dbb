"""Webhooks of a caller: who is to be told of what; and the secrets by which receivers know that it was us.

A hook has a position in its account's operation log (:mod:`postroom.domain.webhook_runner` moves it on); one that is
told of a folder that another shares, in that owner's (:mod:`postroom.domain.shared_hooks`). Its secret is never
stored: it is derived from a key of the store, the hook's number and a nonce, so that a stolen copy of the table alone
forges nothing. It is shown once, when the hook is made.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from postroom.config.retention import RetentionConfig
from postroom.config.webhooks import WebhooksConfig
from postroom.domain.access import READ, require, require_own
from postroom.domain.server_secrets import ServerSecrets
from postroom.domain.webhook_urls import parse_hook_url
from postroom.errors import Kind, PostroomError, bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.ids import AccountId, FolderId, FolderRef, Modseq
from postroom.model.webhook import KINDS, Webhook, WebhookId, WebhookRef
from postroom.store import Store
from postroom.store.tx import Snapshot

META_NAME = "webhook_key"
MAX_HOOKS = 20
"""Hooks of one account."""
SECRET_PREFIX = "whsec_"  # noqa: S105 (what a secret begins with)
_NONCE_BYTES = 16
_RANDOM_BITS = 20
_DAY_MILLISECONDS = 86_400_000


class HookChange(NamedTuple):
    """What is decided of a hook; None leaves it, or for a new hook is the default."""

    url: str | None = None
    kinds: Sequence[str] | None = None
    folder: FolderRef | None = None
    all_folders: bool = False
    """It is told of all folders from now on."""
    enabled: bool | None = None


class Start(NamedTuple):
    """Where a replay begins: at the first operation from ``position`` on.

    ``is_complete`` is False if there were operations before it that were asked for, but are no longer known.
    """

    position: Modseq
    is_complete: bool


class Webhooks:
    """The webhooks of callers, and the secrets of all. Every method of a caller raises unavailable."""

    def __init__(
        self,
        store: Store,
        config: WebhooksConfig,
        *,
        key: bytes,
        retention: RetentionConfig,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._config = config
        self._key = key
        self._retention = retention
        self._now = now
        self.on_change: Callable[[AccountId], None] = lambda _: None
        """Told of the account when there may be something to do for a hook of it."""

    @classmethod
    async def open(
        cls,
        store: Store,
        config: WebhooksConfig,
        retention: RetentionConfig,
        *,
        server_secrets: ServerSecrets,
        now: Callable[[], float] = time.time,
    ) -> "Webhooks":
        """Return the webhooks of a store, with the key all its processes share. Raises: unavailable."""
        key = await server_secrets.get_own(META_NAME)
        return cls(store, config, key=key, retention=retention, now=now)

    def horizon(self) -> int:
        """Return the time from which on all operations are known (Unix milliseconds)."""
        return int(self._now() * 1000) - self._retention.operation_days * _DAY_MILLISECONDS

    # Secrets

    def secret_of(self, hook: Webhook) -> str:
        """Return the secret of a hook, as its receiver is given it."""
        return SECRET_PREFIX + base64.b64encode(self._secret(hook)).decode("ascii")

    def sign(self, hook: Webhook, message_id: str, *, timestamp: int, body: bytes) -> str:
        """Return the signature of a message, as the Standard Webhooks have it."""
        signed = b"%s.%d.%s" % (message_id.encode("ascii"), timestamp, body)
        digest = hmac.digest(self._secret(hook), signed, hashlib.sha256)
        return "v1," + base64.b64encode(digest).decode("ascii")

    def _secret(self, hook: Webhook) -> bytes:
        return hmac.digest(self._key, b"webhook:%d:%s" % (hook.webhook_id, hook.nonce), hashlib.sha256)

    # What callers do

    async def list_all(self, caller: Caller) -> list[Webhook]:
        """Return the caller's hooks, oldest first."""
        async with self._store.directory() as directory:
            return await directory.webhooks.list_of(caller.account_id)

    async def get(self, caller: Caller, ref: WebhookRef) -> Webhook:
        """Return a hook. Raises: notFound."""
        require_own(caller, ref.owner, "the webhook")
        async with self._store.directory() as directory:
            return _found(await directory.webhooks.find(ref.webhook, ref.owner))

    async def create(self, caller: Caller, change: HookChange) -> Webhook:
        """Make a hook that is told of what happens from now on. Raises: badParameter; notFound; conflict."""
        self._check(change)
        now = self._now()
        owner = caller.account_id
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(owner)
            await mailbox.lock()
            if len(await tx.webhooks.list_of(owner)) >= MAX_HOOKS:
                message = f"an account has at most {MAX_HOOKS} webhooks"
                raise PostroomError(Kind.CONFLICT, "conflict", message)
            folder = await _find_folder(mailbox, caller, change)
            hook = Webhook(
                # Later hooks have higher numbers: lists have an order, and none is given out again.
                webhook_id=WebhookId((int(now * 1000) << _RANDOM_BITS) | secrets.randbits(_RANDOM_BITS)),
                account_id=owner,
                owner_id=folder.owner,
                url=change.url or "",
                kinds=_join(KINDS if change.kinds is None else change.kinds),
                folder_id=folder.folder,
                nonce=secrets.token_bytes(_NONCE_BYTES),
                is_enabled=int(change.enabled is not False),
                position=await _find_position(mailbox.at(folder.owner)),
                told_at=int(now * 1000),
                last_delivery_at=0,
                failing_since=0,
                attempts=0,
                next_attempt_at=0,
                leased_until=0,
                failure="",
            )
            await tx.webhooks.create(hook)
            tx.after_commit(lambda: self.on_change(hook.owner_id))
        return hook

    async def change(self, caller: Caller, ref: WebhookRef, change: HookChange) -> Webhook:
        """Change a hook and return it. What is enabled, or called elsewhere, starts with no failures.

        One that is told of another owner's folder from now on begins where that one's history stands.

        Raises: badParameter; notFound; notPermitted.
        """
        require_own(caller, ref.owner, "the webhook")
        self._check(change)
        async with self._store.directory_transaction() as tx:
            hook = _found(await tx.webhooks.find_to_change(ref.webhook, ref.owner))
            mailbox = tx.mailbox(ref.owner)
            folder = FolderRef(hook.owner_id, hook.folder_id)
            if change.folder is not None or change.all_folders:
                folder = await _find_folder(mailbox, caller, change)
            elif change.enabled:
                await _check_readable(mailbox, caller, folder)
            after = await tx.webhooks.change(
                ref.webhook,
                url=hook.url if change.url is None else change.url,
                kinds=hook.kinds if change.kinds is None else _join(change.kinds),
                folder=folder,
                is_enabled=hook.is_enabled if change.enabled is None else int(change.enabled),
            )
            if change.enabled or (change.enabled is None and change.url is not None and hook.is_enabled):
                after = await tx.webhooks.clear_failure(ref.webhook)
            if folder.owner != hook.owner_id:
                position = await _find_position(mailbox.at(folder.owner))
                told_at = int(self._now() * 1000)
                await tx.webhooks.move(ref.webhook, position=position, told_at=told_at)
            tx.after_commit(lambda: self.on_change(folder.owner))
        return _found(after)

    async def delete(self, caller: Caller, ref: WebhookRef) -> None:
        """Remove a hook. Raises: notFound."""
        require_own(caller, ref.owner, "the webhook")
        async with self._store.directory_transaction() as tx:
            if not await tx.webhooks.delete(ref.webhook, ref.owner):
                raise not_found("the webhook")

    async def replay(
        self, caller: Caller, ref: WebhookRef, *, position: int | None = None, date: int | None = None
    ) -> Start:
        """Start a hook again from a position, or from what was done at a date (Unix seconds) or later.

        Raises: badParameter; notFound; notPermitted.
        """
        require_own(caller, ref.owner, "the webhook")
        if date is not None and date > self._now():
            raise bad_parameter("from", "from must not be in the future")
        async with self._store.directory_transaction() as tx:
            hook = _found(await tx.webhooks.find_to_change(ref.webhook, ref.owner))
            mailbox = tx.mailbox(hook.owner_id)
            await _check_readable(mailbox, caller, FolderRef(hook.owner_id, hook.folder_id))
            first = await _find_first(mailbox, position=position, date=date)
            start = await _find_start(mailbox, first, is_recent=(date or 0) * 1000 >= self.horizon())
            entries = await mailbox.operations.list_after(Modseq(start.position - 1), limit=1)
            told_at = entries[0].done_at if entries else int(self._now() * 1000)
            if hook.is_enabled:
                await tx.webhooks.clear_failure(ref.webhook)
            await tx.webhooks.move(ref.webhook, position=Modseq(start.position - 1), told_at=told_at)
            tx.after_commit(lambda: self.on_change(hook.owner_id))
        return start

    def _check(self, change: HookChange) -> None:
        if change.url is not None:
            parse_hook_url(change.url, allow_private=self._config.allow_private)
        if change.kinds is not None and not change.kinds:
            raise bad_parameter("kinds", "kinds must name at least one kind")
        if change.kinds is not None and not set(change.kinds) <= set(KINDS):
            raise bad_parameter("kinds", f"kinds must be among {', '.join(KINDS)}")


def _found(hook: Webhook | None) -> Webhook:
    if hook is None:
        raise not_found("the webhook")
    return hook


def _join(kinds: Sequence[str]) -> str:
    return " ".join(kind for kind in KINDS if kind in kinds)


async def _find_folder(mailbox: Snapshot, caller: Caller, change: HookChange) -> FolderRef:
    """Return the folder that a change names, 0 for all of the caller's own. Raises: notFound; notPermitted."""
    if change.folder is None:
        return FolderRef(caller.account_id, FolderId(0))
    there = mailbox.at(change.folder.owner)
    await _check_readable(mailbox, caller, change.folder)
    if await there.folders.find(change.folder.folder) is None:
        raise not_found("the folder")
    return change.folder


async def _check_readable(mailbox: Snapshot, caller: Caller, folder: FolderRef) -> None:
    """Refuse what is told of another's folder to who may not read it. Raises: notFound; notPermitted."""
    await require(mailbox.at(folder.owner), caller, folder.folder, needs=READ)


async def _find_position(mailbox: Snapshot) -> Modseq:
    """Return where a history stands."""
    state = await mailbox.mailbox.find()
    return state.modseq if state is not None else Modseq(0)


async def _find_first(mailbox: Snapshot, *, position: int | None, date: int | None) -> int:
    """Return the position that a replay is asked to begin with. Raises: badParameter."""
    state = await mailbox.mailbox.find()
    modseq = state.modseq if state is not None else Modseq(0)
    if position is None:
        return await _find_first_since(mailbox, (date or 0) * 1000, modseq)
    if position > modseq:
        raise bad_parameter("from", f"from must be at most {modseq}, where the history stands")
    return position


async def _find_first_since(mailbox: Snapshot, since: int, modseq: Modseq) -> int:
    """Return the position of the first operation done at a time (milliseconds) or later, by bisection."""
    low, high = 1, modseq + 1
    while low < high:
        middle = (low + high) // 2
        entries = await mailbox.operations.list_after(Modseq(middle - 1), limit=1)
        if not entries or entries[0].done_at >= since:
            high = middle
        else:
            low = entries[0].modseq + 1
    return low


async def _find_start(mailbox: Snapshot, first: int, *, is_recent: bool) -> Start:
    """Return where a replay begins that is asked to begin with a position; all is known of what is recent."""
    entries = await mailbox.operations.list_after(Modseq(0), limit=1)
    # The first step of a history makes the mailbox, and is in no log.
    known_from = max(entries[0].modseq, 2) if entries else first
    is_complete = is_recent or first >= known_from or known_from == 2
    return Start(Modseq(max(first, 1)), is_complete)
