"""What an account says of itself: its contact information and its picture.

The full name of an account, which mail is sent under, is given by an administrator. When the owner changes a part of
the name in the contact information, the full name becomes what these parts make, if they are not all empty: it is
what was set last, by whomever. What is saved unchanged changes no name.

A picture is made anew from what was uploaded, by a process of its own (:mod:`postroom.content.pictures`), so that
nothing of the file itself is ever shown to anybody.
"""

import unicodedata

from postroom.compose.addresses import parse_address
from postroom.content.pictures import Failure, PictureMaker
from postroom.domain.texts import clean_line
from postroom.errors import Kind, PostroomError, bad_parameter, not_found, unavailable
from postroom.model.account import Caller
from postroom.model.profile import ContactInfo, Picture
from postroom.store import Store
from postroom.store.sql.directory import AccountChange

MAX_NAME_CHARACTERS = 80
"""Of each part of a name: all of them together are no longer than a full name may be."""
MAX_AVATAR_BYTES = 1 << 20
"""Of the file that is uploaded."""
_MAX_ADDRESS_CHARACTERS = 320
_WIRE_NAMES = {
    "title": "title",
    "first_name": "firstName",
    "middle_name": "middleName",
    "last_name": "lastName",
    "suffix": "suffix",
}


def make_full_name(info: ContactInfo) -> str:
    """Return the name that somebody goes by, "" if none is given."""
    return " ".join(name for name in (info.first_name, info.middle_name, info.last_name) if name)


class Profiles:
    """What callers say of themselves."""

    def __init__(self, store: Store, pictures: PictureMaker) -> None:
        self._store = store
        self._pictures = pictures

    async def contact_info(self, caller: Caller) -> ContactInfo:
        """Return the contact information. Raises: unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            return await mailbox.profile.find()

    async def set_contact_info(self, caller: Caller, info: ContactInfo) -> None:
        """Set the contact information as a whole. Raises: badParameter; notFound; unavailable."""
        info = check_contact_info(info)
        async with self._store.directory_transaction() as tx:
            mailbox = tx.mailbox(caller.account_id)
            await mailbox.lock()
            name = make_full_name(info)
            is_renamed = name and name != make_full_name(await mailbox.profile.find())
            await mailbox.profile.put(info)
            if is_renamed:
                await tx.directory.update(caller.account_id, AccountChange(full_name=name))
                await tx.directory.raise_versions(caller.account_id, auth=1, sessions=0)

    async def avatar(self, caller: Caller) -> Picture:
        """Return the picture. Raises: notFound; unavailable."""
        async with self._store.peek(caller.account_id) as mailbox:
            found = await mailbox.profile.find_avatar()
        if found is None:
            raise not_found("the avatar")
        return found

    async def set_avatar(self, caller: Caller, data: bytes) -> None:
        """Make an image file the account's picture.

        Raises: badParameter; payloadTooLarge; tooManyRequests; notFound; unavailable.
        """
        made = await self._pictures.make(data)
        if isinstance(made, Failure):
            raise explain_failure(made)
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            await tx.profile.put_avatar(made)

    async def delete_avatar(self, caller: Caller) -> None:
        """Remove the picture, if there is one. Raises: notFound; unavailable."""
        async with self._store.transaction(caller.account_id, session_id=caller.session_id) as tx:
            await tx.lock()
            await tx.profile.delete_avatar()


def check_contact_info(info: ContactInfo) -> ContactInfo:
    """Return contact information as it is kept. Raises: badParameter."""
    names = {
        field: clean_line(getattr(info, field), name, most=MAX_NAME_CHARACTERS)
        for field, name in _WIRE_NAMES.items()
    }
    return ContactInfo(**names, personal_address=_check_address(info.personal_address))


def _check_address(text: str) -> str:
    parameter = "personalEmailAddress"
    text = unicodedata.normalize("NFC", text).strip()
    if not text:
        return ""
    address = parse_address(clean_line(text, parameter, most=_MAX_ADDRESS_CHARACTERS), parameter=parameter)
    if address.name:
        raise bad_parameter(parameter, f"{parameter} must be an address alone, without a name")
    return address.addr_spec


def explain_failure(failure: Failure, parameter: str = "file") -> PostroomError:
    """Return the error for a file, given by ``parameter``, that no picture was made of."""
    if failure is Failure.TOO_LARGE:
        return PostroomError(Kind.TOO_LARGE, "payloadTooLarge", "the image has too many pixels")
    if failure is Failure.BUSY:
        message = "many pictures are being set just now"
        return PostroomError(Kind.LIMITED, "tooManyRequests", message, retry_after_seconds=5)
    if failure is Failure.UNAVAILABLE:
        return unavailable("images cannot be read just now")
    return bad_parameter(parameter, "the file is no image that can be read (PNG, JPEG, GIF, WebP or BMP)")
