"""`postroom backup` and `postroom restore`."""

import asyncio
import datetime
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from postroom.cli.meter import shown
from postroom.cli.options import DEFAULTS, Options, opened_store
from postroom.cli.queue import say_held
from postroom.cli.terminal import say, say_table, warn
from postroom.errors import bad_parameter

if TYPE_CHECKING:
    from postroom.config import Config
    from postroom.domain.backup import Made
    from postroom.domain.backup_check import Verified
    from postroom.domain.restoring import Place

Flag = Annotated[bool, Parameter(negative=())]

_FOUND = 1


@Parameter(name="*")
@dataclass(frozen=True)
class Pruning:
    """What is done with older backups."""

    prune: Flag = False
    """Make no backup; remove those that need not be kept, and what only they need. The newest one is kept."""

    keep_daily: int = 0
    """With --prune: keep the newest backup of each of so many days that have one."""

    keep_weekly: int = 0
    """With --prune: the same for weeks."""

    keep_monthly: int = 0
    """With --prune: the same for months."""

    dry_run: Flag = False
    """With --prune: only say what would go."""


NO_PRUNING = Pruning()


def backup(
    target: Path,
    /,
    *,
    account: str = "",
    without_key: Flag = False,
    verify: Flag = False,
    list_: Annotated[bool, Parameter(name="--list", negative=())] = False,
    pruning: Pruning = NO_PRUNING,
    options: Options = DEFAULTS,
) -> int:
    """Back up the store into a folder, while the server runs; what the folder has already is not stored again.

    Each call adds a snapshot, from which all can be restored as it was. It may be interrupted and repeated. The exit
    status is 1 if some messages were lost in the store already, or the verification found something.

    Args:
        target: A folder of its own, which is made if it is missing.
        account: Only the account with this address.
        without_key: Leave out server.key, without which secrets in the backup cannot be read.
        verify: Make no backup; verify those that are there.
        list_: Make no backup; list those that are there.
        pruning: What is done with older backups.
        options: Where the configuration is.
    """
    if pruning != NO_PRUNING:
        if verify or list_ or account or without_key:
            raise bad_parameter("prune", "--prune goes with --keep-daily and the like, and --dry-run, alone")
        return _prune(target, pruning)
    if verify:
        return _say_verified(asyncio.run(_verify(target)))
    if list_:
        return _list(target)
    made = asyncio.run(_backup(options.load_for_store(), target, account=account, with_key=not without_key))
    for problem in made.problems:
        warn(problem)
    say(
        f"snapshot {made.name}: {made.rows} rows, {made.messages} messages, {made.new_messages} of them new; "
        f"{made.new_bytes} bytes added"
    )
    return _FOUND if made.problems else 0


async def _backup(config: "Config", target: Path, *, account: str, with_key: bool) -> "Made":
    from postroom.auth.key_file import KeyFile  # noqa: PLC0415 (commands start quickly)
    from postroom.auth.passwords import PasswordHasher  # noqa: PLC0415
    from postroom.domain.backup import Backup  # noqa: PLC0415
    from postroom.domain.directory import Directory  # noqa: PLC0415

    async with opened_store(config) as store:
        only = None
        if account:
            hasher = PasswordHasher(config.auth)
            directory = Directory(store, hasher, config.classes, primary_domain=config.primary_domain)
            only = (await directory.get_account(account)).account
            hasher.close()
        key_file = KeyFile(config.data_dir).path if with_key and only is None else None
        with shown() as show:
            return await Backup(store, target, account=only, progress=show).run(key_file)


async def _verify(target: Path) -> "Verified":
    from postroom.domain.backup_check import verify_backup  # noqa: PLC0415 (commands start quickly)

    with shown() as show:
        return await verify_backup(target, progress=show)


def _say_verified(found: "Verified") -> int:
    for note in found.notes:
        say(note)
    for problem in found.problems:
        warn(problem)
    counts = f"{len(found.snapshots)} snapshots, {found.objects} objects, {found.blobs} large messages"
    say(
        f"{'all is well' if not found.problems else f'{len(found.problems)} problems'}: {counts}, {found.bytes} bytes"
    )
    return _FOUND if found.problems else 0


def _prune(target: Path, pruning: Pruning) -> int:
    from postroom.domain.pruning import prune_backup  # noqa: PLC0415 (commands start quickly)
    from postroom.store.backups.keeping import Keep  # noqa: PLC0415

    keep = Keep(pruning.keep_daily, pruning.keep_weekly, pruning.keep_monthly)
    if not pruning.prune:
        raise bad_parameter("prune", "--keep-daily and the like, and --dry-run, are for --prune")
    if min(keep) < 0 or not any(keep):
        raise bad_parameter(
            "keepDaily", "say how many are to be kept: --keep-daily, --keep-weekly, --keep-monthly"
        )
    with shown() as show:
        done = asyncio.run(prune_backup(target, keep, is_dry=pruning.dry_run, progress=show))
    for problem in done.problems:
        warn(problem)
    for name in done.removed:
        say(f"{'would remove' if pruning.dry_run else 'removed'} snapshot {name}")
    say(
        f"{len(done.removed)} of {len(done.kept) + len(done.removed)} snapshots "
        f"{'would go' if pruning.dry_run else 'removed'}; {done.packs} packs, {done.blobs} large messages, "
        f"{done.freed_bytes} bytes"
    )
    return _FOUND if done.problems else 0


def _list(target: Path) -> int:
    from postroom.store.backups.objects import BackupFolder, DamagedError  # noqa: PLC0415 (commands start quickly)
    from postroom.store.backups.snapshots import list_snapshots, read_snapshot  # noqa: PLC0415

    BackupFolder.open(target).close()
    rows = [("SNAPSHOT", "MADE", "OF", "MESSAGES", "BYTES")]
    status = 0
    for name in list_snapshots(target):
        try:
            one = read_snapshot(target, name)
        except DamagedError as error:
            warn(str(error))
            status = _FOUND
            continue
        made = datetime.datetime.fromtimestamp(one.made_at / 1000, datetime.UTC)
        of = one.account or "everything"
        rows.append((name, f"{made:%Y-%m-%d %H:%M:%S} UTC", of, str(one.messages), str(one.messages_bytes)))
    say_table(rows)
    return status


def restore(
    source: Path,
    /,
    *,
    snapshot: str = "",
    account: str = "",
    as_: Annotated[str, Parameter(name="--as")] = "",
    options: Options = DEFAULTS,
) -> None:
    """Restore a store from a backup into an empty one, of either engine; or one account into a store that has others.

    It may be interrupted and repeated. A single account may be restored while the server runs.

    Args:
        source: The folder of the backup.
        snapshot: The snapshot to restore, or how its name begins; by default the newest one of everything,
            or of that account alone.
        account: Restore only the account with this address.
        as_: The address that the restored account gets, if not the one it had.
        options: Where the configuration is.
    """
    if as_ and not account:
        raise bad_parameter("as", "--as is for a single account: say which with --account")
    config = options.load().config
    if account:
        _restore_account(config, source, snapshot=snapshot, account=account, new_address=as_ or account)
        return
    from postroom.domain.restoring import restore_store  # noqa: PLC0415 (commands start quickly)

    async def work() -> None:
        with shown() as show:
            done = await restore_store(source, make_place(config), wanted=snapshot, progress=show)
        resumed = "the interrupted restore is done: " if done.was_resumed else ""
        say(f"{resumed}snapshot {done.name} is restored; {done.messages} messages indexed")
        if done.held:
            say_held(done.held)
        if done.needs_key:
            warn(f"there are no server keys: put server.key of the old server into {config.data_dir}")

    asyncio.run(work())


def make_place(config: "Config", url: str = "") -> "Place":
    """Return where the configured store is, or that of another URL with the same data folder."""
    from postroom.domain.restoring import Place  # noqa: PLC0415 (commands start quickly)
    from postroom.store import DATABASE_FILE  # noqa: PLC0415

    return Place(
        url or config.store.url,
        config.data_dir,
        inline_limit_bytes=config.store.inline_limit_bytes,
        connections=config.store.pool_size,
        database=config.data_dir / DATABASE_FILE,
        blobs=config.blobs,
    )


def _restore_account(
    config: "Config", source: Path, *, snapshot: str, account: str, new_address: str
) -> None:
    from postroom.domain.account_restore import restore_account  # noqa: PLC0415 (commands start quickly)
    from postroom.domain.addresses import parse_account_address  # noqa: PLC0415

    old = parse_account_address(account, primary_domain=config.primary_domain)
    new = parse_account_address(new_address, primary_domain=config.primary_domain)

    async def work() -> None:
        async with opened_store(config) as store:
            with shown() as show:
                done = await restore_account(store, source, old, new=new, wanted=snapshot, progress=show)
        say(f"account {new} is restored from snapshot {done.name}: {done.messages} messages")
        for note in done.notes:
            say(note)

    asyncio.run(work())
