"""Mails of a caller: lists and single mails. A list may be that of a folder, or what a search has found."""

from postroom.domain.access import require_own
from postroom.domain.search_folders import SearchFolders
from postroom.domain.sessions import Sessions
from postroom.domain.settings import Settings
from postroom.errors import bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.folder import Folder
from postroom.model.ids import FolderRef, MailRef
from postroom.model.listing import MailListRequest, MailPage, Sort, SortField
from postroom.model.mail import Mail
from postroom.model.search_folder import is_search_folder
from postroom.store import Store
from postroom.store.order_keys import key_of
from postroom.store.tx import Snapshot

LIST_KIND = "mails"


class Mails:
    """The mails a caller sees."""

    def __init__(
        self, store: Store, sessions: Sessions, settings: Settings, *, search_folders: SearchFolders
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._settings = settings
        self._search_folders = search_folders

    async def list(self, caller: Caller, ref: FolderRef, request: MailListRequest) -> MailPage:
        """Return a page of a folder's mails; ``limit`` defaults to the account's page size.

        Raises: notFound; badParameter for an order that the folder has not; unavailable.
        """
        if is_search_folder(ref.folder):
            return await self._search_folders.list_page(caller, ref, request)
        require_own(caller, ref.owner, "the folder")
        sort = await self.sort_for(caller, ref, request)
        limit = await self._settings.page_size(caller, request.limit)
        async with self._store.read(ref.owner) as mailbox:
            folder = await mailbox.folders.find(ref.folder)
            if folder is None:
                raise not_found("the folder")
            if folder.folder_type != "mails":
                # What it holds are no mails.
                folder = folder._replace(total_items=0, unread_items=0)
            mails: list[Mail] = []
            if request.start < folder.total_items:
                position = await mailbox.orders.find_position(folder.folder_id, sort, request.start)
                mails = await mailbox.mails.list_page(
                    folder.folder_id, sort, anchor=position.anchor, skip=position.skip, limit=limit
                )
            row = -1
            if request.active is not None:
                row = await _active_row(mailbox, folder, sort=sort, active=request.active)
        return MailPage(folder, sort, row, mails)

    async def folder_state(self, caller: Caller, ref: FolderRef) -> Folder:
        """Return the folder of a list; one look-up. Raises: notFound; unavailable."""
        if is_search_folder(ref.folder):
            return await self._search_folders.folder_state(caller, ref)
        require_own(caller, ref.owner, "the folder")
        async with self._store.peek(ref.owner) as mailbox:
            folder = await mailbox.folders.find(ref.folder)
        if folder is None:
            raise not_found("the folder")
        return folder

    async def sort_for(self, caller: Caller, ref: FolderRef, request: MailListRequest) -> Sort:
        """Return the order of a list: what is asked for, else the last one. Raises: badParameter; unavailable."""
        if is_search_folder(ref.folder):
            return await self._search_folders.sort_for(caller, request)
        check_sort(request.field, "sort")
        return await self._sessions.sort_for(
            caller, LIST_KIND, field=request.field, descending=request.descending
        )

    async def get(self, caller: Caller, ref: MailRef) -> Mail:
        """Return a mail. Raises: notFound; unavailable."""
        require_own(caller, ref.owner, "the mail")
        async with self._store.peek(ref.owner) as mailbox:
            mail = await mailbox.mails.find(ref.folder, ref.uid)
        if mail is None:
            raise not_found("the mail")
        return mail


def check_sort(field: SortField | None, parameter: str) -> None:
    """Refuse the order that folders do not have. Raises: badParameter."""
    if field is SortField.FOLDER_NAME:
        raise bad_parameter(parameter, f"{field.value} is an order of search folders alone")


async def _active_row(mailbox: Snapshot, folder: Folder, *, sort: Sort, active: MailRef) -> int:
    if (active.owner, active.folder) != (folder.account_id, folder.folder_id):
        return -1
    keys = await mailbox.mails.find_keys(folder.folder_id, active.uid)
    if keys is None:
        return -1
    key = key_of(sort.field, keys, active.uid)
    return await mailbox.orders.rank(folder.folder_id, sort, key=key, total_items=folder.total_items)
