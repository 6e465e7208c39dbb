"""Shapes of deltas, and how changes become them."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from postroom.api import ids
from postroom.api.paging import Limit
from postroom.api.schemas.fields import (
    ConversationText,
    FolderText,
    LabelText,
    MailText,
    Number,
    Shape,
    TokenText,
)
from postroom.api.schemas.folders import (
    AccessMode,
    Folder,
    render_container,
    render_namespace,
    render_own,
    render_shared,
)
from postroom.api.schemas.mails import Mail, Referred, RefwText, SortInfo, render_mail
from postroom.domain.deltas import ChangedFolder as StoredChange
from postroom.domain.deltas import FolderDelta as StoredFolderDelta
from postroom.domain.deltas import MailDelta as StoredMailDelta
from postroom.domain.shared_folders import ContainerDelta, SharedDelta
from postroom.model.account import Caller
from postroom.model.folder import ROOT
from postroom.model.folder import Folder as StoredFolder
from postroom.model.ids import AccountId, ItemId
from postroom.model.mail import Mail as StoredMail
from postroom.model.sharing import NAMESPACE

GivenToken = Annotated[
    str,
    Meta(
        min_length=0,
        description="The token that the last answer gave. Without one, or empty: everything is new.",
    ),
]
Validity = Annotated[
    int, Meta(ge=0, description="Changes when all ids are given out anew.", examples=[1744407421])
]
Reset = Annotated[
    bool,
    Meta(
        description="The token was too old or of another history: drop everything, this is a first listing.",
        examples=[False],
    ),
]


class MailDeltaQuery(msgspec.Struct, frozen=True, rename="camel"):
    """The folder, and where the client stands."""

    folder_id: FolderText
    sync_token: GivenToken | None = None
    limit: Limit | None = None


class FolderDeltaQuery(msgspec.Struct, frozen=True, rename="camel"):
    """Which folders, and where the client stands."""

    access_mode: Annotated[AccessMode, Meta(description="Only folders reached in this way.")] = "all"
    sync_token: GivenToken | None = None


# Mails


class ChangedMail(Mail, frozen=True):
    """A mail in a folder, with the conversation that it belongs to, if any."""

    conversation_id: ConversationText | UnsetType = UNSET


class UpdatedMail(Shape, frozen=True):
    """What can change of a mail whose content stays."""

    id: MailText
    folder_id: FolderText
    is_unread: bool
    is_flagged: bool
    is_draft: bool
    is_deleted: bool
    is_itip: bool
    refw_flags: RefwText
    label_ids: list[LabelText]
    conversation_id: ConversationText | UnsetType = UNSET


class RemovedMail(Shape, frozen=True):
    """A mail that is gone from its folder."""

    id: MailText
    folder_id: FolderText


class MailDelta(Shape, frozen=True):
    """What changed in a folder. No mail is in two lists."""

    sync_token: TokenText
    total_items: Number
    sort_info: SortInfo
    more_available: bool
    new_items: list[ChangedMail]
    replaced_items: list[ChangedMail]
    updated_items: list[UpdatedMail]
    removed_items: list[RemovedMail]
    reset: Reset
    id_validity: Validity


def render_mail_delta(
    owner: AccountId, delta: StoredMailDelta, references: Mapping[ItemId, Referred]
) -> MailDelta:
    """Return a page of changes of a folder of ``owner``."""
    sort, originals = delta.present.sort, delta.originals
    return MailDelta(
        delta.token,
        delta.total_items,
        SortInfo(sort.field, "DESC" if sort.descending else "ASC", -1),
        delta.has_more,
        [
            _with_conversation(
                owner, mail, render_mail(owner, mail, references, original=originals.get(mail.item_id))
            )
            for mail in delta.new
        ],
        [
            _with_conversation(
                owner, mail, render_mail(owner, mail, references, original=originals.get(mail.item_id))
            )
            for mail in delta.replaced
        ],
        [_render_updated(owner, mail) for mail in delta.updated],
        [
            RemovedMail(
                ids.render_mail(owner, delta.folder_id, uid), ids.render_folder(owner, delta.folder_id)
            )
            for uid in delta.removed
        ],
        delta.is_reset,
        delta.uid_validity,
    )


def _with_conversation(owner: AccountId, mail: StoredMail, shown: Mail) -> ChangedMail:
    return ChangedMail(**msgspec.structs.asdict(shown), conversation_id=_conversation_of(owner, mail))


def _conversation_of(owner: AccountId, mail: StoredMail) -> str | UnsetType:
    return ids.render_conversation(owner, mail.conversation_id) if mail.conversation_id else UNSET


def _render_updated(owner: AccountId, mail: StoredMail) -> UpdatedMail:
    shown = render_mail(owner, mail)
    return UpdatedMail(
        shown.id,
        shown.folder_id,
        shown.is_unread,
        shown.is_flagged,
        shown.is_draft,
        shown.is_deleted,
        shown.is_itip,
        shown.refw_flags,
        shown.label_ids,
        _conversation_of(owner, mail),
    )


# Folders


class ResetContainerEvent(Shape, frozen=True, tag_field="eventType", tag="resetContainer"):
    """Folders of the container ``id`` that are not announced again before the events end are gone."""

    id: FolderText
    container_id: FolderText


class NewFolderEvent(Folder, frozen=True, tag_field="eventType", tag="newFolder"):
    """A folder that the client does not have."""

    container_id: FolderText
    id_validity: Validity
    path_changed: Literal[False]
    sync_token: TokenText


class ChangedFolderEvent(Shape, frozen=True, tag_field="eventType", tag="changedFolder"):
    """A folder that changed, or its content; with all its fields if its name or place did."""

    id: FolderText
    container_id: FolderText
    id_validity: Validity
    path_changed: bool
    sync_token: TokenText
    folder_size: Number
    total_items: Number
    unread_items: Number
    old_parent_id: FolderText | UnsetType = UNSET
    name: str | UnsetType = UNSET
    parent_id: FolderText | UnsetType = UNSET
    role: str | UnsetType = UNSET
    owner_username: str | UnsetType = UNSET
    owner_fullname: str | UnsetType = UNSET
    folder_type: str | UnsetType = UNSET
    access_mode: str | UnsetType = UNSET
    permissions: list[str] | UnsetType = UNSET


class RemoveContainerEvent(Shape, frozen=True, tag_field="eventType", tag="removeContainer"):
    """The container ``id`` is gone with all its folders."""

    id: FolderText
    container_id: FolderText


class RemovedFolderEvent(Shape, frozen=True, tag_field="eventType", tag="removedFolder"):
    """A folder that is gone."""

    id: FolderText
    container_id: FolderText


FolderEvent = (
    NewFolderEvent | ChangedFolderEvent | RemovedFolderEvent | ResetContainerEvent | RemoveContainerEvent
)


class FolderDelta(Shape, frozen=True):
    """What changed of the folders, in the order in which it must be followed."""

    sync_token: TokenText
    events: list[FolderEvent]


def render_folder_delta(
    caller: Caller, delta: StoredFolderDelta, render_token: Callable[[StoredFolder], str]
) -> FolderDelta:
    """Return the changes of a caller's folders; ``render_token`` gives the token of a folder's mails."""
    container = ids.render_folder(caller.account_id, ROOT)
    events: list[FolderEvent] = []
    if delta.is_reset:
        events.append(ResetContainerEvent(container, container))
    for folder in delta.new:
        shown = render_own(caller, folder)
        token = render_token(folder)
        events.append(_render_new(shown, container, validity=folder.uid_validity, token=token))
    events += [_render_changed(caller, change, token=render_token(change.folder)) for change in delta.changed]
    events += [
        RemovedFolderEvent(ids.render_folder(caller.account_id, folder_id), container)
        for folder_id in delta.removed
    ]
    return FolderDelta(delta.token, events + _render_shared_delta(caller, delta.shared, render_token))


def _render_new(shown: Folder, container: str, *, validity: int = 0, token: str = "") -> NewFolderEvent:
    return NewFolderEvent(
        **msgspec.structs.asdict(shown),
        container_id=container,
        id_validity=validity,
        path_changed=False,
        sync_token=token,
    )


def _render_shared_delta(
    caller: Caller, delta: SharedDelta, render_token: Callable[[StoredFolder], str]
) -> list[FolderEvent]:
    """Return the changes of the folders of others: of the roots, and below them."""
    events: list[FolderEvent] = []
    namespace = ids.render_folder(caller.account_id, NAMESPACE)
    if delta.has_namespace and not delta.had_namespace:
        events.append(_render_new(render_namespace(caller), namespace))
    for change in sorted(delta.containers, key=lambda one: one.owner.is_public):
        events += _render_container_delta(caller, change, render_token)
    for number in delta.gone:
        container = ids.render_folder(AccountId(abs(number)), ROOT)
        events.append(RemoveContainerEvent(container, namespace if number > 0 else container))
    if delta.had_namespace and not delta.has_namespace:
        events.append(RemoveContainerEvent(namespace, namespace))
    return events


def _render_container_delta(
    caller: Caller, change: ContainerDelta, render_token: Callable[[StoredFolder], str]
) -> list[FolderEvent]:
    owner = change.owner
    container = ids.render_folder(owner.account_id, ROOT)
    events: list[FolderEvent] = []
    if change.is_reset:
        events.append(ResetContainerEvent(container, container))
    if change.is_reset or change.is_new:
        holder = container if owner.is_public else ids.render_folder(caller.account_id, NAMESPACE)
        events.append(_render_new(render_container(caller, owner), holder))
    for one in owner.folders:
        shown, validity, token = render_shared(owner, one), one.folder.uid_validity, render_token(one.folder)
        if change.is_reset or change.is_new:
            events.append(_render_new(shown, container, validity=validity, token=token))
        else:
            figures = (shown.folder_size, shown.total_items, shown.unread_items)
            events.append(ChangedFolderEvent(shown.id, container, validity, False, token, *figures))
    return events


def _render_changed(caller: Caller, change: StoredChange, *, token: str) -> ChangedFolderEvent:
    folder, old_parent_id = change
    shown = render_own(caller, folder)
    changed = ChangedFolderEvent(
        shown.id,
        ids.render_folder(caller.account_id, ROOT),
        folder.uid_validity,
        old_parent_id is not None,
        token,
        shown.folder_size,
        shown.total_items,
        shown.unread_items,
    )
    if old_parent_id is None:
        return changed
    return msgspec.structs.replace(
        changed,
        old_parent_id=ids.render_folder(caller.account_id, old_parent_id),
        name=shown.name,
        parent_id=shown.parent_id,
        role=shown.role,
        owner_username=shown.owner_username,
        owner_fullname=shown.owner_fullname,
        folder_type=shown.folder_type,
        access_mode=shown.access_mode,
        permissions=shown.permissions,
    )
