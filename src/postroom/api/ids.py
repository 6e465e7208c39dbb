"""Ids on the wire. Inside they are numbers; to clients they are opaque strings of known forms.

A folder is ``<owner>_<folder>``, a label ``<owner>_<label>``, a mail the unpadded base64url (RFC 4648 §5) of
``<owner>_<folder>_<uid>``, a conversation that of ``<owner>_c_<number>``. Only the canonical spelling is taken: each
thing has one id. Digits, underscores and a ``c`` never encode to ``+`` or ``/``, so plain base64 serves.

The key of a job is random and stays as it is; only its form is seen to here, before any store is asked for it.
"""

import re
from binascii import Error, a2b_base64, b2a_base64

from postroom.errors import PostroomError, bad_parameter
from postroom.model.access_token import AccessTokenId, AccessTokenRef
from postroom.model.contact import ContactRef
from postroom.model.conversation import ConversationId, ConversationRef
from postroom.model.factor import MethodId, MethodRef
from postroom.model.filters import EntryRef
from postroom.model.ids import AccountId, FolderId, FolderRef, LabelId, LabelRef, MailRef, Uid
from postroom.model.profile import AliasId, AliasRef, SignatureId, SignatureRef
from postroom.model.webhook import WebhookId, WebhookRef

MAX_NUMBER = 2**63 - 1
_NUMBER = r"(0|[1-9][0-9]{0,18})"
_PAIR = re.compile(rf"{_NUMBER}_{_NUMBER}")
_TRIPLE = re.compile(rf"{_NUMBER}_{_NUMBER}_{_NUMBER}".encode())
_CONVERSATION = re.compile(rf"{_NUMBER}_c_{_NUMBER}".encode())
_INDEX = re.compile(_NUMBER)

FOLDER_PATTERN = "^(0|[1-9][0-9]{0,18})_(0|[1-9][0-9]{0,18})$"
MAIL_PATTERN = "^[A-Za-z0-9]{7,79}$"
JOB_PATTERN = "^[A-Za-z0-9_-]{24}$"
_JOB = re.compile("[A-Za-z0-9_-]{24}")


def render_folder(owner: AccountId, folder: FolderId) -> str:
    """Return the wire id of a folder."""
    return f"{owner}_{folder}"


def render_label(owner: AccountId, label: LabelId) -> str:
    """Return the wire id of a label."""
    return f"{owner}_{label}"


def render_webhook(owner: AccountId, webhook: WebhookId) -> str:
    """Return the wire id of a webhook."""
    return f"{owner}_{webhook}"


def render_entry(owner: AccountId, entry_id: int) -> str:
    """Return the wire id of an entry of a white or black list."""
    return f"{owner}_{entry_id}"


def render_signature(owner: AccountId, signature: SignatureId) -> str:
    """Return the wire id of a signature."""
    return f"{owner}_{signature}"


def render_alias(owner: AccountId, alias: AliasId) -> str:
    """Return the wire id of a temporary alias."""
    return f"{owner}_{alias}"


def render_method(owner: AccountId, method: MethodId) -> str:
    """Return the wire id of a security method."""
    return f"{owner}_{method}"


def render_access_token(owner: AccountId, token: AccessTokenId) -> str:
    """Return the wire id of an app password or badge token."""
    return f"{owner}_{token}"


def render_mail(owner: AccountId, folder: FolderId, uid: Uid) -> str:
    """Return the wire id of a mail."""
    return b2a_base64(b"%d_%d_%d" % (owner, folder, uid), newline=False).rstrip(b"=").decode("ascii")


def render_contact(owner: AccountId, folder: FolderId, uid: Uid) -> str:
    """Return the wire id of a contact; it has the form of a mail's."""
    return render_mail(owner, folder, uid)


def render_conversation(owner: AccountId, conversation: ConversationId) -> str:
    """Return the wire id of a conversation."""
    return b2a_base64(b"%d_c_%d" % (owner, conversation), newline=False).rstrip(b"=").decode("ascii")


def parse_folder(text: str, parameter: str) -> FolderRef:
    """Return the folder that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    found = _PAIR.fullmatch(text)
    if found is None:
        raise _malformed(parameter, "folder")
    owner, folder = int(found[1]), int(found[2])
    if max(owner, folder) > MAX_NUMBER:
        raise _malformed(parameter, "folder")
    return FolderRef(AccountId(owner), FolderId(folder))


def parse_optional_folder(text: str | None, parameter: str) -> FolderRef | None:
    """Return the folder that ``text`` names, if there is one; raises ``badParameter`` naming ``parameter``."""
    return None if text is None else parse_folder(text, parameter)


def parse_label(text: str, parameter: str) -> LabelRef:
    """Return the label that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    found = _PAIR.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > MAX_NUMBER:
        raise _malformed(parameter, "label")
    return LabelRef(AccountId(int(found[1])), LabelId(int(found[2])))


def parse_webhook(text: str, parameter: str) -> WebhookRef:
    """Return the webhook that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    found = _PAIR.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > MAX_NUMBER:
        raise _malformed(parameter, "webhook")
    return WebhookRef(AccountId(int(found[1])), WebhookId(int(found[2])))


def parse_entry(text: str, parameter: str) -> EntryRef:
    """Return the entry of a list that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    found = _PAIR.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > MAX_NUMBER:
        raise _malformed(parameter, "entry")
    return EntryRef(AccountId(int(found[1])), int(found[2]))


def parse_signature(text: str, parameter: str) -> SignatureRef:
    """Return the signature that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    found = _PAIR.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > MAX_NUMBER:
        raise _malformed(parameter, "signature")
    return SignatureRef(AccountId(int(found[1])), SignatureId(int(found[2])))


def parse_alias(text: str, parameter: str) -> AliasRef:
    """Return the temporary alias that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    found = _PAIR.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > MAX_NUMBER:
        raise _malformed(parameter, "temporary alias")
    return AliasRef(AccountId(int(found[1])), AliasId(int(found[2])))


def parse_method(text: str, parameter: str) -> MethodRef:
    """Return the security method that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    found = _PAIR.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > MAX_NUMBER:
        raise _malformed(parameter, "security method")
    return MethodRef(AccountId(int(found[1])), MethodId(int(found[2])))


def parse_access_token(text: str, parameter: str) -> AccessTokenRef:
    """Return the app password or badge token that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    found = _PAIR.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > MAX_NUMBER:
        raise _malformed(parameter, "app password or badge token")
    return AccessTokenRef(AccountId(int(found[1])), AccessTokenId(int(found[2])))


def parse_mail(text: str, parameter: str) -> MailRef:
    """Return the mail that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    return MailRef(*_parse_item(text, parameter, "mail"))


def parse_contact(text: str, parameter: str) -> ContactRef:
    """Return the contact that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    return ContactRef(*_parse_item(text, parameter, "contact"))


def _parse_item(text: str, parameter: str, thing: str) -> tuple[AccountId, FolderId, Uid]:
    try:
        encoded = text.encode("ascii")
        found = _TRIPLE.fullmatch(a2b_base64(encoded + b"=" * (-len(encoded) % 4)))
    except (Error, ValueError):
        raise _malformed(parameter, thing) from None
    if found is None:
        raise _malformed(parameter, thing)
    owner, folder, uid = int(found[1]), int(found[2]), int(found[3])
    if max(owner, folder, uid) > MAX_NUMBER:
        raise _malformed(parameter, thing)
    item = AccountId(owner), FolderId(folder), Uid(uid)
    if render_mail(*item) != text:
        raise _malformed(parameter, thing)
    return item


def parse_conversation(text: str, parameter: str) -> ConversationRef:
    """Return the conversation that ``text`` names; raises ``badParameter`` naming ``parameter``."""
    try:
        encoded = text.encode("ascii")
        found = _CONVERSATION.fullmatch(a2b_base64(encoded + b"=" * (-len(encoded) % 4)))
    except (Error, ValueError):
        raise _malformed(parameter, "conversation") from None
    if found is None or max(int(found[1]), int(found[2])) > MAX_NUMBER:
        raise _malformed(parameter, "conversation")
    ref = ConversationRef(AccountId(int(found[1])), ConversationId(int(found[2])))
    if render_conversation(*ref) != text:
        raise _malformed(parameter, "conversation")
    return ref


def parse_job(text: str, parameter: str) -> str:
    """Return the key of a job if it has the form of one; raises ``badParameter`` naming ``parameter``."""
    if _JOB.fullmatch(text) is None:
        raise bad_parameter(parameter, f"{parameter} is not the key of a job")
    return text


def parse_index(text: str, parameter: str) -> int:
    """Return the number of an attachment or part; raises ``badParameter`` naming ``parameter``."""
    if _INDEX.fullmatch(text) is None or int(text) > MAX_NUMBER:
        raise bad_parameter(parameter, f"{parameter} must be a number from 0 to {MAX_NUMBER}")
    return int(text)


def _malformed(parameter: str, thing: str) -> PostroomError:
    return bad_parameter(parameter, f"{parameter} is not the id of a {thing}")
