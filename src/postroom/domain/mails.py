"""Mails of a caller: lists and single mails. A list may be that of a folder, or what a search has found."""

from postroom.domain.access import READ, require, see_folder, see_mails
from postroom.domain.folders import require_folder
from postroom.domain.search_folders import SearchFolders
from postroom.domain.sessions import Sessions
from postroom.domain.settings import Settings
from postroom.domain.shared_lists import find_active_row, list_shared_page
from postroom.errors import bad_parameter, not_found
from postroom.model.account import Caller
from postroom.model.folder import Folder
from postroom.model.ids import FolderRef, MailRef
from postroom.model.listing import MailListRequest, MailPage, Sort, SortField
from postroom.model.mail import Mail
from postroom.model.search_folder import is_search_folder
from postroom.store import Store

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
        sort = await self.sort_for(caller, ref, request)
        limit = await self._settings.page_size(caller, request.limit)
        async with self._store.read(ref.owner) as mailbox:
            folder = await require_folder(mailbox, caller, ref.folder, needs=READ)
            if folder.folder_type != "mails":
                # What it holds are no mails.
                folder = folder._replace(total_items=0, unread_items=0)
            if ref.owner != caller.account_id:
                wanted = request._replace(limit=limit)
                return await list_shared_page(mailbox, caller, folder, sort=sort, request=wanted)
            mails: list[Mail] = []
            if request.start < folder.total_items:
                position = await mailbox.orders.find_position(folder.folder_id, sort, request.start)
                mails = await mailbox.mails.list_page(
                    folder.folder_id, sort, anchor=position.anchor, skip=position.skip, limit=limit
                )
            row = -1
            if request.active is not None:
                row = await find_active_row(mailbox, folder, sort=sort, active=request.active)
        return MailPage(folder, sort, row, mails)

    async def folder_state(self, caller: Caller, ref: FolderRef) -> Folder:
        """Return the folder of a list; one look-up. Raises: notFound; unavailable."""
        if is_search_folder(ref.folder):
            return await self._search_folders.folder_state(caller, ref)
        if ref.owner != caller.account_id:
            async with self._store.read(ref.owner) as mailbox:
                folder = await require_folder(mailbox, caller, ref.folder, needs=READ)
                return await see_folder(mailbox, caller, folder)
        async with self._store.peek(ref.owner) as mailbox:
            return await require_folder(mailbox, caller, ref.folder, needs=READ)

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
        if ref.owner != caller.account_id:
            return await self._get_shared(caller, ref)
        async with self._store.peek(ref.owner) as mailbox:
            mail = await mailbox.mails.find(ref.folder, ref.uid)
        if mail is None:
            raise not_found("the mail")
        return mail

    async def _get_shared(self, caller: Caller, ref: MailRef) -> Mail:
        async with self._store.read(ref.owner) as mailbox:
            await require(mailbox, caller, ref.folder, needs=READ, what="the mail")
            mail = await mailbox.mails.find(ref.folder, ref.uid)
            if mail is None:
                raise not_found("the mail")
            [seen] = await see_mails(mailbox, caller.account_id, [mail])
        return seen


def check_sort(field: SortField | None, parameter: str) -> None:
    """Refuse the order that folders do not have. Raises: badParameter."""
    if field is SortField.FOLDER_NAME:
        raise bad_parameter(parameter, f"{field.value} is an order of search folders alone")
