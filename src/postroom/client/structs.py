"""The shapes of bodies and answers.

Made by ``make client`` from the OpenAPI document: do not change it by hand.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec import field as member

ContactField = str
"""Fields that contacts sort by; the value is the wire name."""

SecurityEventKind = str
"""What happened."""

SortField = str
"""Fields that mails sort by; the value is the wire name."""


class AccountSettings(Struct, kw_only=True):
    """All settings of an account."""

    archiving_policy: str = member(name="archivingPolicy")
    conversation_view: bool = member(name="conversationView")
    theme: str
    delete_to_trash: bool = member(name="deleteToTrash")
    confirm_mail_delete: bool = member(name="confirmMailDelete")
    auto_add_recipients: bool = member(name="autoAddRecipients")
    purge_trash_on_logout: bool = member(name="purgeTrashOnLogout")
    purge_spam_on_logout: bool = member(name="purgeSpamOnLogout")
    body_html_filtering_level: int = member(name="bodyHtmlFilteringLevel")
    language: str
    timezone: str
    date_format: str = member(name="dateFormat")
    time_format: str = member(name="timeFormat")
    week_start_day: int = member(name="weekStartDay")
    working_days: int = member(name="workingDays")
    start_working_time: str = member(name="startWorkingTime")
    end_working_time: str = member(name="endWorkingTime")
    calendar_type: str = member(name="calendarType")
    receipts: "Receipts"
    save_to_sent: bool = member(name="saveToSent")
    page_size: int = member(name="pageSize")
    external_images: str = member(name="externalImages")


class AddressList(Struct, kw_only=True):
    """The addresses of the account; temporary ones have a list of their own."""

    items: "list[OwnAddress]"


class AppPassword(Struct, kw_only=True):
    """An app password."""

    id: str
    name: str
    scope: str
    created_date: str = member(name="createdDate")
    last_used_date: "str | None" = member(name="lastUsedDate")


class AppPasswordList(Struct, kw_only=True):
    """The app passwords of an account."""

    items: "list[AppPassword]"


class Attachment(Struct, kw_only=True):
    """An attachment of a mail."""

    id: int
    mail_id: str = member(name="mailId")
    name: str
    content_id: str = member(name="contentId")
    content_type: str = member(name="contentType")
    size: int
    is_inline: bool = member(name="isInline")


class AttachmentList(Struct, kw_only=True):
    """The attachments of a mail, in MIME order."""

    items: "list[Attachment]"


class AttachmentToAdd(Struct, kw_only=True):
    """A temporary attachment of the session; what is not said is as it was stored."""

    id: int
    content_id: str | UnsetType = member(default=UNSET, name="contentId")
    is_inline: bool | UnsetType = member(default=UNSET, name="isInline")


class Autopurge(Struct, kw_only=True):
    """What is removed by itself, after how many days."""

    spam: bool
    trash: bool
    interval: int


class AvatarsWanted(Struct, kw_only=True):
    """Whose pictures are wanted: by address or by id, one of the two."""

    contact_email_addresses: list[str] | UnsetType = member(default=UNSET, name="contactEmailAddresses")
    contact_ids: list[str] | UnsetType = member(default=UNSET, name="contactIds")


class BadgeToken(Struct, kw_only=True):
    """A badge token."""

    id: str
    name: str
    created_date: str = member(name="createdDate")
    last_used_date: "str | None" = member(name="lastUsedDate")


class BadgeTokenList(Struct, kw_only=True):
    """The badge tokens of an account."""

    items: "list[BadgeToken]"


class BatchBody(Struct, kw_only=True):
    """The mails to be done: `ids`, or `ranges` with `sortInfo`."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")


class BatchDetails(Struct, kw_only=True):
    """What could not be done."""

    failed_items: list[str] = member(name="failedItems")


class BatchResult(Struct, kw_only=True):
    """How far a batch is."""

    batch_operation_details: "BatchDetails" = member(name="batchOperationDetails")
    failed_items: list[str] = member(name="failedItems")
    status: str
    progress: int
    job_key: str | UnsetType = member(default=UNSET, name="jobKey")


class BimiLogo(Struct, kw_only=True):
    """A logo."""

    bimi_location: str = member(name="bimiLocation")
    data: bytes


class BimiLogos(Struct, kw_only=True):
    """Those of the logos that are there."""

    items: "list[BimiLogo]"


class Body(Struct, kw_only=True):
    """The body of a mail, made safe to show."""

    id: int
    content_type: str = member(name="contentType")
    estimated_size: int = member(name="estimatedSize")
    has_external_images: bool = member(name="hasExternalImages")
    is_truncated: bool = member(name="isTruncated")
    data: bytes


class CaptchaStatus(Struct, kw_only=True):
    """Whether the next login needs a captcha."""

    is_required: bool = member(name="isRequired")


class ChangedFolderEvent(Struct, kw_only=True, tag_field="eventType", tag="changedFolder"):
    """A folder that changed, or its content; with all its fields if its name or place did."""

    id: str
    container_id: str = member(name="containerId")
    id_validity: int = member(name="idValidity")
    path_changed: bool = member(name="pathChanged")
    sync_token: str = member(name="syncToken")
    folder_size: int = member(name="folderSize")
    total_items: int = member(name="totalItems")
    unread_items: int = member(name="unreadItems")
    old_parent_id: str | UnsetType = member(default=UNSET, name="oldParentId")
    name: str | UnsetType = member(default=UNSET)
    parent_id: str | UnsetType = member(default=UNSET, name="parentId")
    role: str | UnsetType = member(default=UNSET)
    owner_username: str | UnsetType = member(default=UNSET, name="ownerUsername")
    owner_fullname: str | UnsetType = member(default=UNSET, name="ownerFullname")
    folder_type: str | UnsetType = member(default=UNSET, name="folderType")
    access_mode: str | UnsetType = member(default=UNSET, name="accessMode")
    permissions: list[str] | UnsetType = member(default=UNSET)


class ChangedMail(Struct, kw_only=True):
    """A mail in a folder, with the conversation that it belongs to, if any."""

    id: str
    folder_id: str = member(name="folderId")
    size: int
    from_: str = member(name="from")
    to: str
    cc: str
    bcc: str
    sender: str
    subject: str
    message_id: str = member(name="messageId")
    reply_to: str = member(name="replyTo")
    reply_to_all: str = member(name="replyToAll")
    snippet: str
    date: str
    is_unread: bool = member(name="isUnread")
    is_flagged: bool = member(name="isFlagged")
    is_draft: bool = member(name="isDraft")
    is_deleted: bool = member(name="isDeleted")
    refw_flags: str = member(name="refwFlags")
    refw_type: str = member(name="refwType")
    refw_mail_id: str = member(name="refwMailId")
    has_attachments: bool = member(name="hasAttachments")
    is_itip: bool = member(name="isItip")
    return_receipt: bool = member(name="returnReceipt")
    importance: str
    original_folder_id: str = member(name="originalFolderId")
    original_mail_id: str = member(name="originalMailId")
    attachments: "list[Attachment]"
    label_ids: list[str] = member(name="labelIds")
    bimi_location: str = member(name="bimiLocation")
    conversation_id: str | UnsetType = member(default=UNSET, name="conversationId")


class ClientSettings(Struct, kw_only=True):
    """What else programs keep."""

    client_settings: str = member(name="clientSettings")


class CodeToCheck(Struct, kw_only=True):
    """A code of the method."""

    totp_token: str = member(name="totpToken")


class Contact(Struct, kw_only=True):
    """A contact with all that is known of it."""

    id: str
    folder_id: str = member(name="folderId")
    is_distribution_list: bool = member(name="isDistributionList")
    name: str
    email: str
    business_email: str = member(name="businessEmail")
    home_email: str = member(name="homeEmail")
    first_name: str = member(name="firstName")
    last_name: str = member(name="lastName")
    nick_name: str = member(name="nickName")
    reversed_name: str = member(name="reversedName")
    phone: str
    organization: str
    notes: str
    members: list[str]
    avatar: bytes


class ContactAvatar(Struct, kw_only=True):
    """A picture of a contact."""

    id: str
    email: str
    data: bytes


class ContactAvatars(Struct, kw_only=True):
    """The pictures that were found."""

    items: "list[ContactAvatar]"


class ContactChange(Struct, kw_only=True):
    """What is said of a contact; what is not given stays as it is."""

    name: str | UnsetType = member(default=UNSET)
    first_name: str | UnsetType = member(default=UNSET, name="firstName")
    last_name: str | UnsetType = member(default=UNSET, name="lastName")
    nick_name: str | UnsetType = member(default=UNSET, name="nickName")
    email: str | UnsetType = member(default=UNSET)
    business_email: str | UnsetType = member(default=UNSET, name="businessEmail")
    home_email: str | UnsetType = member(default=UNSET, name="homeEmail")
    phone: str | UnsetType = member(default=UNSET)
    organization: str | UnsetType = member(default=UNSET)
    notes: str | UnsetType = member(default=UNSET)
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")
    members: list[str] | UnsetType = member(default=UNSET)
    avatar: "bytes | None | UnsetType" = member(default=UNSET)


class ContactDelta(Struct, kw_only=True):
    """What changed of contacts. No contact is in two lists."""

    sync_token: str = member(name="syncToken")
    total_items: int = member(name="totalItems")
    sort_info: "ContactSortInfo" = member(name="sortInfo")
    more_available: bool = member(name="moreAvailable")
    new_items: "list[ListedContact]" = member(name="newItems")
    replaced_items: "list[ListedContact]" = member(name="replacedItems")
    removed_items: "list[RemovedContact]" = member(name="removedItems")
    reset: bool


class ContactInfo(Struct, kw_only=True):
    """Who the owner of the account is."""

    title: str | UnsetType = member(default=UNSET)
    first_name: str | UnsetType = member(default=UNSET, name="firstName")
    middle_name: str | UnsetType = member(default=UNSET, name="middleName")
    last_name: str | UnsetType = member(default=UNSET, name="lastName")
    suffix: str | UnsetType = member(default=UNSET)
    personal_email_address: str | UnsetType = member(default=UNSET, name="personalEmailAddress")


class ContactList(Struct, kw_only=True):
    """A part of a list of contacts."""

    sync_token: str = member(name="syncToken")
    total_items: int = member(name="totalItems")
    sort_info: "ContactSortInfo" = member(name="sortInfo")
    items: "list[ListedContact]"


class ContactSortInfo(Struct, kw_only=True):
    """The order of a list."""

    field: "ContactField"
    direction: str


class ContentPolicy(Struct, kw_only=True):
    """What a password must be made of."""

    enabled: bool
    min_length: int = member(name="minLength")
    max_length: int = member(name="maxLength")
    must_include: str = member(name="mustInclude")


class Conversation(Struct, kw_only=True):
    """The mails of an account that belong together."""

    id: str
    subject: str
    snippet: str
    date: str
    is_unread: bool = member(name="isUnread")
    is_flagged: bool = member(name="isFlagged")
    has_attachments: bool = member(name="hasAttachments")
    has_drafts: bool = member(name="hasDrafts")
    refw_flags: str = member(name="refwFlags")
    importance: str
    label_ids: list[str] = member(name="labelIds")
    attachments: "list[Attachment]"
    participants: "list[Participant]"
    my_recipients: "list[MyRecipient]" = member(name="myRecipients")
    mail_count: str = member(name="mailCount")
    mails: "list[ConversationMail]"


class ConversationBatch(Struct, kw_only=True):
    """The conversations to be done: `ids`, or `ranges` with `sortInfo` in the list of `folderId`."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")


class ConversationList(Struct, kw_only=True):
    """A part of a folder's conversations."""

    sync_token: str = member(name="syncToken")
    total_items: int = member(name="totalItems")
    sort_info: "SortInfo" = member(name="sortInfo")
    items: "list[Conversation]"


class ConversationMail(Struct, kw_only=True):
    """A mail of a conversation."""

    mail_id: str = member(name="mailId")
    normalized_message_id: str = member(name="normalizedMessageId")
    folder_id: str = member(name="folderId")
    is_unread: bool = member(name="isUnread")
    is_flagged: bool = member(name="isFlagged")
    is_draft: bool = member(name="isDraft")
    original_folder_id: str = member(name="originalFolderId")
    original_mail_id: str = member(name="originalMailId")


class ConversationMails(Struct, kw_only=True):
    """Mails of a conversation, oldest first."""

    sync_token: str = member(name="syncToken")
    total_items: int = member(name="totalItems")
    items: "list[Mail]"


class CookieLogin(Struct, kw_only=True):
    """What a browser logs in with."""

    username: str
    password: str
    captcha_text: "str | None | UnsetType" = member(default=UNSET, name="captchaText")
    captcha_id: "str | None | UnsetType" = member(default=UNSET, name="captchaId")
    remember_login: bool | UnsetType = member(default=UNSET, name="rememberLogin")


class CopyBatch(Struct, kw_only=True):
    """Mails, and where copies go: by default where each mail is."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")
    destination_folder_id: str | UnsetType = member(default=UNSET, name="destinationFolderId")


class CopyTarget(Struct, kw_only=True):
    """Where a mail goes, if not where it goes by itself."""

    destination_folder_id: str | UnsetType = member(default=UNSET, name="destinationFolderId")


class Counters(Struct, kw_only=True):
    """The unread mails of the Inbox itself, and what else was asked for."""

    unread_count: int = member(name="unreadCount")
    folders: "list[FolderCounters] | UnsetType" = member(default=UNSET)
    labels: "list[LabelCounters] | UnsetType" = member(default=UNSET)


class CreatedMethod(Struct, kw_only=True):
    """A method that waits for a code; `otpauthUri` is there for an app."""

    id: str
    otpauth_uri: str | UnsetType = member(default=UNSET, name="otpauthUri")


class Criterion(Struct, kw_only=True):
    """One criterion of a search."""

    field: str
    value: "str | int | float | bool | None | UnsetType" = member(default=UNSET)
    negate: bool | str | UnsetType = member(default=UNSET)


class CurrentPreset(Struct, kw_only=True):
    """The preset that is in force."""

    preset: str


class DraftFields(Struct, kw_only=True):
    """A draft as a whole."""

    from_: str | UnsetType = member(default=UNSET, name="from")
    to: str | UnsetType = member(default=UNSET)
    cc: str | UnsetType = member(default=UNSET)
    bcc: str | UnsetType = member(default=UNSET)
    reply_to: str | UnsetType = member(default=UNSET, name="replyTo")
    subject: str | UnsetType = member(default=UNSET)
    body_text: str | UnsetType = member(default=UNSET, name="bodyText")
    body_html: str | UnsetType = member(default=UNSET, name="bodyHtml")
    importance: str | UnsetType = member(default=UNSET)
    refw_type: str | UnsetType = member(default=UNSET, name="refwType")
    refw_mail_id: str | UnsetType = member(default=UNSET, name="refwMailId")
    temporary_attachments: "list[AttachmentToAdd] | UnsetType" = member(
        default=UNSET, name="temporaryAttachments"
    )
    is_unread: bool | UnsetType = member(default=UNSET, name="isUnread")
    is_flagged: bool | UnsetType = member(default=UNSET, name="isFlagged")


class DraftToSchedule(Struct, kw_only=True):
    """When a draft is to be sent."""

    delivery_time: int = member(name="deliveryTime")


class Entry(Struct, kw_only=True):
    """An entry of a list."""

    id: str
    email_address: str = member(name="emailAddress")


class EntryList(Struct, kw_only=True):
    """A part of a list, oldest first."""

    total_items: int = member(name="totalItems")
    items: "list[Entry]"


class ErrorBody(Struct, kw_only=True):
    """What every failed call answers."""

    error_code: str = member(name="errorCode")
    message: str
    details: dict[str, Any]


class Expiration(Struct, kw_only=True):
    """The day on which passwords expire; the interval is days."""

    enabled: bool
    date: str
    warning_interval: int = member(name="warningInterval")
    in_warning_interval: bool = member(name="inWarningInterval")


class FilterOptions(Struct, kw_only=True):
    """What the address book means for the lists."""

    whitelist_include_address_book: bool = member(name="whitelistIncludeAddressBook")
    blacklist_exclude_address_book: bool = member(name="blacklistExcludeAddressBook")


class FilterOptionsChange(Struct, kw_only=True):
    """What is to be changed; any of them."""

    whitelist_include_address_book: bool | UnsetType = member(
        default=UNSET, name="whitelistIncludeAddressBook"
    )
    blacklist_exclude_address_book: bool | UnsetType = member(
        default=UNSET, name="blacklistExcludeAddressBook"
    )


class Folder(Struct, kw_only=True):
    """A folder."""

    id: str
    name: str
    parent_id: str = member(name="parentId")
    role: str
    owner_username: str = member(name="ownerUsername")
    owner_fullname: str = member(name="ownerFullname")
    folder_size: int = member(name="folderSize")
    folder_type: str = member(name="folderType")
    access_mode: str = member(name="accessMode")
    total_items: int = member(name="totalItems")
    unread_items: int = member(name="unreadItems")
    permissions: list[str]


class FolderCounters(Struct, kw_only=True):
    """Counters of a folder of type mails."""

    folder_id: str = member(name="folderId")
    role: str
    unread_items: int = member(name="unreadItems")
    total_items: int = member(name="totalItems")


class FolderDelta(Struct, kw_only=True):
    """What changed of the folders, in the order in which it must be followed."""

    sync_token: str = member(name="syncToken")
    events: "list[NewFolderEvent | ChangedFolderEvent | RemovedFolderEvent | ResetContainerEvent | RemoveContainerEvent]"


class FolderList(Struct, kw_only=True):
    """Folders, parents before children."""

    sync_token: str = member(name="syncToken")
    items: "list[Folder]"


class FolderName(Struct, kw_only=True):
    """A folder's new name."""

    name: str


class FolderParent(Struct, kw_only=True):
    """A folder's new parent; the container makes it a top folder."""

    parent_id: str = member(name="parentId")


class FoundContacts(Struct, kw_only=True):
    """What begins as was typed, the most used first."""

    total_items: int = member(name="totalItems")
    items: "list[ListedContact]"


class Header(Struct, kw_only=True):
    """A header field; `value` is raw, with folds and line end."""

    name: str
    value: str


class History(Struct, kw_only=True):
    """How many old passwords may not come back."""

    enabled: bool
    size: int


class ImportResult(Struct, kw_only=True):
    """What became of the cards."""

    imported: int
    updated: int
    failed: int


class IndexInfo(Struct, kw_only=True):
    """How far an index is."""

    id: str
    state: str
    progress: float


class Info(Struct, kw_only=True):
    """An account; quotas are KB of 1024 bytes, 0 where there is none."""

    account_name: str = member(name="accountName")
    domain_name: str = member(name="domainName")
    full_name: str = member(name="fullName")
    folder_container_id: str = member(name="folderContainerId")
    account_class: str = member(name="accountClass")
    total_message_count: int = member(name="totalMessageCount")
    used_message_count: int = member(name="usedMessageCount")
    remaining_message_count: int = member(name="remainingMessageCount")
    total_quota: int = member(name="totalQuota")
    used_quota: int = member(name="usedQuota")
    remaining_quota: int = member(name="remainingQuota")
    over_quota_threshold: int = member(name="overQuotaThreshold")
    is_first_api_login: bool = member(name="isFirstApiLogin")
    allow_conversation_view: bool = member(name="allowConversationView")
    autopurge: "Autopurge"
    two_factor_auth_configured: bool = member(name="twoFactorAuthConfigured")
    restrictions: "Restrictions"


class JoinedMail(Struct, kw_only=True):
    """A mail of a conversation, and what joined it to the others."""

    mail_id: str = member(name="mailId")
    rule: str
    matched: str


class Label(Struct, kw_only=True):
    """A label."""

    id: str
    name: str


class LabelBatch(Struct, kw_only=True):
    """Mails, and a label."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")
    label_id: str = member(name="labelId")


class LabelConversations(Struct, kw_only=True):
    """Conversations, and a label."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")
    label_id: str = member(name="labelId")


class LabelCounters(Struct, kw_only=True):
    """Counters of a label."""

    label_id: str = member(name="labelId")
    unread_items: int = member(name="unreadItems")
    total_items: int = member(name="totalItems")


class LabelList(Struct, kw_only=True):
    """All labels."""

    sync_token: str = member(name="syncToken")
    items: "list[Label]"


class LabelName(Struct, kw_only=True):
    """The name of a label; one without regard to case."""

    name: str


class LabelToAdd(Struct, kw_only=True):
    """A label."""

    label_id: str = member(name="labelId")


class ListedContact(Struct, kw_only=True):
    """A contact as lists show it."""

    id: str
    folder_id: str = member(name="folderId")
    is_distribution_list: bool = member(name="isDistributionList")
    name: str
    email: str
    first_name: str = member(name="firstName")
    last_name: str = member(name="lastName")
    nick_name: str = member(name="nickName")
    reversed_name: str = member(name="reversedName")


class Login(Struct, kw_only=True):
    """A session, by its id."""

    sessid: str


class LoginStep(Struct, kw_only=True):
    """A code of one of the methods, or a recovery code."""

    method_id: "str | None | UnsetType" = member(default=UNSET, name="methodId")
    totp_token: "str | None | UnsetType" = member(default=UNSET, name="totpToken")
    recovery_code: "str | None | UnsetType" = member(default=UNSET, name="recoveryCode")


class LogosWanted(Struct, kw_only=True):
    """Which logos are asked for."""

    bimi_locations: list[str] = member(name="bimiLocations")


class MadeAppPassword(Struct, kw_only=True):
    """A new app password; it is never shown again."""

    id: str
    name: str
    scope: str
    password: str


class MadeBadgeToken(Struct, kw_only=True):
    """A new badge token; it is never shown again."""

    id: str
    name: str
    token: str


class Mail(Struct, kw_only=True):
    """A mail in a folder."""

    id: str
    folder_id: str = member(name="folderId")
    size: int
    from_: str = member(name="from")
    to: str
    cc: str
    bcc: str
    sender: str
    subject: str
    message_id: str = member(name="messageId")
    reply_to: str = member(name="replyTo")
    reply_to_all: str = member(name="replyToAll")
    snippet: str
    date: str
    is_unread: bool = member(name="isUnread")
    is_flagged: bool = member(name="isFlagged")
    is_draft: bool = member(name="isDraft")
    is_deleted: bool = member(name="isDeleted")
    refw_flags: str = member(name="refwFlags")
    refw_type: str = member(name="refwType")
    refw_mail_id: str = member(name="refwMailId")
    has_attachments: bool = member(name="hasAttachments")
    is_itip: bool = member(name="isItip")
    return_receipt: bool = member(name="returnReceipt")
    importance: str
    original_folder_id: str = member(name="originalFolderId")
    original_mail_id: str = member(name="originalMailId")
    attachments: "list[Attachment]"
    label_ids: list[str] = member(name="labelIds")
    bimi_location: str = member(name="bimiLocation")


class MailDelta(Struct, kw_only=True):
    """What changed in a folder. No mail is in two lists."""

    sync_token: str = member(name="syncToken")
    total_items: int = member(name="totalItems")
    sort_info: "SortInfo" = member(name="sortInfo")
    more_available: bool = member(name="moreAvailable")
    new_items: "list[ChangedMail]" = member(name="newItems")
    replaced_items: "list[ChangedMail]" = member(name="replacedItems")
    updated_items: "list[UpdatedMail]" = member(name="updatedItems")
    removed_items: "list[RemovedMail]" = member(name="removedItems")
    reset: bool
    id_validity: int = member(name="idValidity")


class MailFlags(Struct, kw_only=True):
    """Flags to set; at least one of them."""

    is_unread: bool | UnsetType = member(default=UNSET, name="isUnread")
    is_flagged: bool | UnsetType = member(default=UNSET, name="isFlagged")


class MailId(Struct, kw_only=True):
    """Where a mail is now."""

    mail_id: str = member(name="mailId")


class MailList(Struct, kw_only=True):
    """A part of a folder's mails."""

    sync_token: str = member(name="syncToken")
    total_items: int = member(name="totalItems")
    sort_info: "SortInfo" = member(name="sortInfo")
    items: "list[Mail]"


class MailToSchedule(Struct, kw_only=True):
    """A mail to be sent at a time."""

    from_: str | UnsetType = member(default=UNSET, name="from")
    to: str | UnsetType = member(default=UNSET)
    cc: str | UnsetType = member(default=UNSET)
    bcc: str | UnsetType = member(default=UNSET)
    reply_to: str | UnsetType = member(default=UNSET, name="replyTo")
    subject: str | UnsetType = member(default=UNSET)
    body_text: str | UnsetType = member(default=UNSET, name="bodyText")
    body_html: str | UnsetType = member(default=UNSET, name="bodyHtml")
    importance: str | UnsetType = member(default=UNSET)
    refw_type: str | UnsetType = member(default=UNSET, name="refwType")
    refw_mail_id: str | UnsetType = member(default=UNSET, name="refwMailId")
    temporary_attachments: "list[AttachmentToAdd] | UnsetType" = member(
        default=UNSET, name="temporaryAttachments"
    )
    request_read_receipt: bool | UnsetType = member(default=UNSET, name="requestReadReceipt")
    request_delivery_receipt: bool | UnsetType = member(default=UNSET, name="requestDeliveryReceipt")
    delivery_time: int = member(name="deliveryTime")


class MailToSend(Struct, kw_only=True):
    """A mail to be sent; receipts that are not spoken of are asked for as the account has set."""

    from_: str | UnsetType = member(default=UNSET, name="from")
    to: str | UnsetType = member(default=UNSET)
    cc: str | UnsetType = member(default=UNSET)
    bcc: str | UnsetType = member(default=UNSET)
    reply_to: str | UnsetType = member(default=UNSET, name="replyTo")
    subject: str | UnsetType = member(default=UNSET)
    body_text: str | UnsetType = member(default=UNSET, name="bodyText")
    body_html: str | UnsetType = member(default=UNSET, name="bodyHtml")
    importance: str | UnsetType = member(default=UNSET)
    refw_type: str | UnsetType = member(default=UNSET, name="refwType")
    refw_mail_id: str | UnsetType = member(default=UNSET, name="refwMailId")
    temporary_attachments: "list[AttachmentToAdd] | UnsetType" = member(
        default=UNSET, name="temporaryAttachments"
    )
    request_read_receipt: bool | UnsetType = member(default=UNSET, name="requestReadReceipt")
    request_delivery_receipt: bool | UnsetType = member(default=UNSET, name="requestDeliveryReceipt")


class MailToStore(Struct, kw_only=True):
    """The mail whose attachments are taken."""

    mail_id: str = member(name="mailId")


class MethodList(Struct, kw_only=True):
    """The methods of the account."""

    items: "list[SecurityMethod]"


class MethodToCreate(Struct, kw_only=True):
    """A method to be set up; an app has no target."""

    method: str
    target: "str | None | UnsetType" = member(default=UNSET)


class MoveBatch(Struct, kw_only=True):
    """Mails, and where they go."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")
    destination_folder_id: str = member(name="destinationFolderId")


class MoveConversations(Struct, kw_only=True):
    """Conversations, and where they go."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")
    destination_folder_id: str = member(name="destinationFolderId")


class MoveTarget(Struct, kw_only=True):
    """Where a mail goes."""

    destination_folder_id: str = member(name="destinationFolderId")


class MyRecipient(Struct, kw_only=True):
    """Somebody whom the account's own mails of a conversation went to."""

    full_email_address: str = member(name="fullEmailAddress")
    is_me: bool = member(name="isMe")
    is_to: bool = member(name="isTo")
    is_cc: bool = member(name="isCc")
    is_bcc: bool = member(name="isBcc")


class NamesWanted(Struct, kw_only=True):
    """Where the names of accounts are to be sent: one of the two."""

    email: "str | None | UnsetType" = member(default=UNSET)
    phone_number: "str | None | UnsetType" = member(default=UNSET, name="phoneNumber")


class NewAppPassword(Struct, kw_only=True):
    """An app password to be made."""

    name: str
    scope: str | UnsetType = member(default=UNSET)


class NewBadgeToken(Struct, kw_only=True):
    """A badge token to be made."""

    name: str


class NewEntry(Struct, kw_only=True):
    """What is to be on a list."""

    email_address: str = member(name="emailAddress")


class NewFolder(Struct, kw_only=True):
    """A folder to be made; with no parent, or the container as its parent, at the top."""

    name: str
    type: str | UnsetType = member(default=UNSET)
    parent_id: str | UnsetType = member(default=UNSET, name="parentId")


class NewFolderEvent(Struct, kw_only=True, tag_field="eventType", tag="newFolder"):
    """A folder that the client does not have."""

    id: str
    name: str
    parent_id: str = member(name="parentId")
    role: str
    owner_username: str = member(name="ownerUsername")
    owner_fullname: str = member(name="ownerFullname")
    folder_size: int = member(name="folderSize")
    folder_type: str = member(name="folderType")
    access_mode: str = member(name="accessMode")
    total_items: int = member(name="totalItems")
    unread_items: int = member(name="unreadItems")
    permissions: list[str]
    container_id: str = member(name="containerId")
    id_validity: int = member(name="idValidity")
    path_changed: bool = member(name="pathChanged")
    sync_token: str = member(name="syncToken")


class NewMail(Struct, kw_only=True):
    """A mail to be saved; by default in Drafts."""

    from_: str | UnsetType = member(default=UNSET, name="from")
    to: str | UnsetType = member(default=UNSET)
    cc: str | UnsetType = member(default=UNSET)
    bcc: str | UnsetType = member(default=UNSET)
    reply_to: str | UnsetType = member(default=UNSET, name="replyTo")
    subject: str | UnsetType = member(default=UNSET)
    body_text: str | UnsetType = member(default=UNSET, name="bodyText")
    body_html: str | UnsetType = member(default=UNSET, name="bodyHtml")
    importance: str | UnsetType = member(default=UNSET)
    refw_type: str | UnsetType = member(default=UNSET, name="refwType")
    refw_mail_id: str | UnsetType = member(default=UNSET, name="refwMailId")
    temporary_attachments: "list[AttachmentToAdd] | UnsetType" = member(
        default=UNSET, name="temporaryAttachments"
    )
    is_unread: bool | UnsetType = member(default=UNSET, name="isUnread")
    is_flagged: bool | UnsetType = member(default=UNSET, name="isFlagged")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")


class NewPermission(Struct, kw_only=True):
    """What a reader may do in a folder from now on; no permissions take all away."""

    account: str
    permissions: list[str]


class NewSignature(Struct, kw_only=True):
    """A signature to be made."""

    name: str
    type: str
    body: str


class NewWebhook(Struct, kw_only=True):
    """A webhook to be made."""

    url: str
    kinds: list[str] | UnsetType = member(default=UNSET)
    folder_id: "str | None | UnsetType" = member(default=UNSET, name="folderId")
    enabled: bool | UnsetType = member(default=UNSET)


class OnOffFilter(Struct, kw_only=True):
    """A filter that is on or off."""

    id: int
    name: str
    enabled: bool


class OnOffFilterList(Struct, kw_only=True):
    """All of them, in the order in which they are asked."""

    items: "list[OnOffFilter]"


class OperationList(Struct, kw_only=True):
    """What was done, newest first."""

    total_items: int = member(name="totalItems")
    items: "list[ShownOperation]"


class OwnAddress(Struct, kw_only=True):
    """An address that mail for the account may have."""

    email_address: str = member(name="emailAddress")
    type: str


class Part(Struct, kw_only=True):
    """A MIME part."""

    content_type: str = member(name="contentType")
    id: int
    parts: "list[Part]"
    headers: "list[Header]"
    estimated_size: int = member(name="estimatedSize")
    filename: str | UnsetType = member(default=UNSET)


class PartData(Struct, kw_only=True):
    """The decoded body of a part; text is UTF-8."""

    id: int
    data: bytes
    is_truncated: bool = member(name="isTruncated")
    has_external_images: bool = member(name="hasExternalImages")
    quoted_offset: int = member(name="quotedOffset")
    quoted_parts_offsets: list[list[int]] = member(name="quotedPartsOffsets")


class PartDataList(Struct, kw_only=True):
    """The parts that were asked for."""

    items: "list[PartData]"


class Participant(Struct, kw_only=True):
    """Somebody whom mails of a conversation are from."""

    full_email_address: str = member(name="fullEmailAddress")
    is_me: bool = member(name="isMe")
    has_unread_messages: bool = member(name="hasUnreadMessages")


class PartsBody(Struct, kw_only=True):
    """Which parts are asked for, as a JSON body; what is not there is taken from the query."""

    part_ids: list[int] | UnsetType = member(default=UNSET, name="partIds")
    convert_to: str | UnsetType = member(default=UNSET, name="convertTo")
    show_external_images: bool | UnsetType = member(default=UNSET, name="showExternalImages")


class PasswordPolicy(Struct, kw_only=True):
    """Rules for passwords."""

    must_change_password: bool = member(name="mustChangePassword")
    content_policy: "ContentPolicy" = member(name="contentPolicy")
    history: "History"
    allow_change_by_user: bool = member(name="allowChangeByUser")
    renewal_interval: "RenewalInterval" = member(name="renewalInterval")
    expiration: "Expiration"


class PasswordToCheck(Struct, kw_only=True):
    """The password, once more."""

    password: str


class PasswordToRecover(Struct, kw_only=True):
    """A token that was sent, and the new password. `userName` is another spelling of `username`."""

    recovery_token: str = member(name="recoveryToken")
    new_password: str = member(name="newPassword")
    username: "str | None | UnsetType" = member(default=UNSET)
    user_name: "str | None | UnsetType" = member(default=UNSET, name="userName")


class PasswordToReset(Struct, kw_only=True):
    """A new password, by who knows the present one."""

    old_password: str = member(name="oldPassword")
    new_password: str = member(name="newPassword")
    logout_other_sessions: Any | UnsetType = member(default=UNSET, name="logoutOtherSessions")


class PasswordToSet(Struct, kw_only=True):
    """A new password."""

    new_password: str = member(name="newPassword")


class Permission(Struct, kw_only=True):
    """What a reader may do in a folder."""

    account: str
    permissions: list[str]


class PermissionList(Struct, kw_only=True):
    """Who may do what in a folder, beside its owner."""

    items: "list[Permission]"


class Policy(Struct, kw_only=True):
    """What a new password must be made of; what is not enabled is left out."""

    min_length: int = member(name="minLength")
    max_length: int = member(name="maxLength")
    must_include: str = member(name="mustInclude")
    history_size: "int | None | UnsetType" = member(default=UNSET, name="historySize")
    renewal_interval: "int | None | UnsetType" = member(default=UNSET, name="renewalInterval")


class PresetList(Struct, kw_only=True):
    """The names of all presets."""

    items: list[str]


class PresetName(Struct, kw_only=True):
    """A preset."""

    preset: str


class RangeBody(Struct, kw_only=True):
    """Rows of a list."""

    start: str
    limit: int


class Receipts(Struct, kw_only=True):
    """Whether receipts are sent, and asked for."""

    send_read_receipts: str = member(name="sendReadReceipts")
    request_read_receipts: bool = member(name="requestReadReceipts")
    request_delivery_receipts: bool = member(name="requestDeliveryReceipts")


class ReceiptsChange(Struct, kw_only=True):
    """Some of :class:`Receipts`."""

    send_read_receipts: str | UnsetType = member(default=UNSET, name="sendReadReceipts")
    request_read_receipts: bool | UnsetType = member(default=UNSET, name="requestReadReceipts")
    request_delivery_receipts: bool | UnsetType = member(default=UNSET, name="requestDeliveryReceipts")


class RecoveryCodes(Struct, kw_only=True):
    """Codes that each stand for a second step, once."""

    recovery_codes: list[str] = member(name="recoveryCodes")


class RemoveContainerEvent(Struct, kw_only=True, tag_field="eventType", tag="removeContainer"):
    """The container `id` is gone with all its folders."""

    id: str
    container_id: str = member(name="containerId")


class RemovedContact(Struct, kw_only=True):
    """A contact that is gone from its folder."""

    id: str
    folder_id: str = member(name="folderId")


class RemovedFolderEvent(Struct, kw_only=True, tag_field="eventType", tag="removedFolder"):
    """A folder that is gone."""

    id: str
    container_id: str = member(name="containerId")


class RemovedMail(Struct, kw_only=True):
    """A mail that is gone from its folder."""

    id: str
    folder_id: str = member(name="folderId")


class RenewalInterval(Struct, kw_only=True):
    """After how many days a password must be renewed."""

    enabled: bool
    interval: int


class Replay(Struct, kw_only=True):
    """Where to start again."""

    from_: int | str = member(name="from")


class ReplayStart(Struct, kw_only=True):
    """Where a webhook starts again."""

    position: int
    complete: bool


class ResetContainerEvent(Struct, kw_only=True, tag_field="eventType", tag="resetContainer"):
    """Folders of the container `id` that are not announced again before the events end are gone."""

    id: str
    container_id: str = member(name="containerId")


class Restrictions(Struct, kw_only=True):
    """Policies that limit what a user does."""

    password_policy: "PasswordPolicy" = member(name="passwordPolicy")
    temporary_aliases: "TemporaryAliases" = member(name="temporaryAliases")
    security_policy: "SecurityPolicy" = member(name="securityPolicy")


class SearchBody(Struct, kw_only=True):
    """What is searched for, and where."""

    folder_ids: list[str] = member(name="folderIds")
    query: "list[Criterion]"
    recursive: bool | UnsetType = member(default=UNSET)
    limit: Any | UnsetType = member(default=UNSET)


class SearchResult(Struct, kw_only=True):
    """A search folder, to be listed like any folder."""

    folder_id: str = member(name="folderId")
    total_items: int = member(name="totalItems")


class SecondStep(Struct, kw_only=True):
    """A code of one of the methods."""

    method_id: str = member(name="methodId")
    totp_token: str = member(name="totpToken")


class SecurityDetails(Struct, kw_only=True):
    """More about an event; never a secret."""

    by: str | UnsetType = member(default=UNSET)
    count: int | UnsetType = member(default=UNSET)
    method: str | UnsetType = member(default=UNSET)
    name: str | UnsetType = member(default=UNSET)
    reason: str | UnsetType = member(default=UNSET)
    scope: str | UnsetType = member(default=UNSET)
    target: str | UnsetType = member(default=UNSET)
    what: str | UnsetType = member(default=UNSET)


class SecurityEventEntry(Struct, kw_only=True):
    """Something that happened."""

    id: int
    date: str
    kind: "SecurityEventKind"
    client: str
    details: "SecurityDetails"


class SecurityEventList(Struct, kw_only=True):
    """A part of the log, the newest first."""

    total_items: int = member(name="totalItems")
    items: "list[SecurityEventEntry]"


class SecurityMethod(Struct, kw_only=True):
    """A way to reach the user, or an app that makes codes."""

    id: str
    method: str
    target: str
    last_used_date: str = member(name="lastUsedDate")


class SecurityMethods(Struct, kw_only=True):
    """Ways to reach a user besides the mailbox."""

    is_mandatory: bool = member(name="isMandatory")
    alternate_email_address: bool = member(name="alternateEmailAddress")
    phone_number: bool = member(name="phoneNumber")
    update_policy: "UpdatePolicy" = member(name="updatePolicy")


class SecurityPolicy(Struct, kw_only=True):
    """Security methods, 2-step verification and recovery."""

    security_methods: "SecurityMethods" = member(name="securityMethods")
    two_factor_auth_policy: "TwoFactorAuthPolicy" = member(name="twoFactorAuthPolicy")
    username_recovery_methods: list[str] = member(name="usernameRecoveryMethods")
    password_recovery_methods: list[str] = member(name="passwordRecoveryMethods")


class SecurityToken(Struct, kw_only=True):
    """For `X-Axigen-Security-Token`, for ten minutes in this session."""

    security_token: str = member(name="securityToken")


class SendToUndo(Struct, kw_only=True):
    """What is to be taken back: the number that sending gave, and the copy if there is one."""

    processing_id: int = member(name="processingId")
    mail_id: str | UnsetType = member(default=UNSET, name="mailId")


class SentMail(Struct, kw_only=True):
    """A mail that was sent: its copy, if one is kept, and its number in the outgoing queue."""

    processing_id: int = member(name="processingId")
    mail_id: str | UnsetType = member(default=UNSET, name="mailId")


class SettingsPatch(Struct, kw_only=True):
    """Settings to change; any of them."""

    archiving_policy: str | UnsetType = member(default=UNSET, name="archivingPolicy")
    conversation_view: bool | UnsetType = member(default=UNSET, name="conversationView")
    theme: str | UnsetType = member(default=UNSET)
    delete_to_trash: bool | UnsetType = member(default=UNSET, name="deleteToTrash")
    confirm_mail_delete: bool | UnsetType = member(default=UNSET, name="confirmMailDelete")
    auto_add_recipients: bool | UnsetType = member(default=UNSET, name="autoAddRecipients")
    purge_trash_on_logout: bool | UnsetType = member(default=UNSET, name="purgeTrashOnLogout")
    purge_spam_on_logout: bool | UnsetType = member(default=UNSET, name="purgeSpamOnLogout")
    body_html_filtering_level: int | UnsetType = member(default=UNSET, name="bodyHtmlFilteringLevel")
    language: str | UnsetType = member(default=UNSET)
    timezone: str | UnsetType = member(default=UNSET)
    date_format: str | UnsetType = member(default=UNSET, name="dateFormat")
    time_format: str | UnsetType = member(default=UNSET, name="timeFormat")
    week_start_day: int | UnsetType = member(default=UNSET, name="weekStartDay")
    working_days: int | UnsetType = member(default=UNSET, name="workingDays")
    start_working_time: str | UnsetType = member(default=UNSET, name="startWorkingTime")
    end_working_time: str | UnsetType = member(default=UNSET, name="endWorkingTime")
    calendar_type: str | UnsetType = member(default=UNSET, name="calendarType")
    receipts: "ReceiptsChange | UnsetType" = member(default=UNSET)
    save_to_sent: bool | UnsetType = member(default=UNSET, name="saveToSent")
    page_size: int | UnsetType = member(default=UNSET, name="pageSize")
    external_images: str | UnsetType = member(default=UNSET, name="externalImages")
    week_start_days: int | UnsetType = member(default=UNSET, name="weekStartDays")


class ShownOperation(Struct, kw_only=True):
    """Something that was done."""

    id: str
    date: str
    kind: str
    summary: str
    mail_count: int = member(name="mailCount")
    reversible: bool
    undone: bool
    session_is_mine: bool = member(name="sessionIsMine")


class Signature(Struct, kw_only=True):
    """A signature."""

    id: str
    name: str
    type: str
    body: str


class SignatureHead(Struct, kw_only=True):
    """A signature without its text."""

    id: str
    name: str
    type: str


class SignatureList(Struct, kw_only=True):
    """All signatures, the oldest first."""

    items: "list[SignatureHead]"


class SignaturePatch(Struct, kw_only=True):
    """What is to be changed of a signature; what is not given stays."""

    name: str | UnsetType = member(default=UNSET)
    type: str | UnsetType = member(default=UNSET)
    body: str | UnsetType = member(default=UNSET)


class SortBody(Struct, kw_only=True):
    """The order that ranges count in."""

    field: "SortField"
    direction: str


class SortInfo(Struct, kw_only=True):
    """The order of a list, and where the asked mail is in it."""

    field: "SortField"
    direction: str
    active_row_index: int = member(name="activeRowIndex")


class Suggestion(Struct, kw_only=True):
    """A text to search for."""

    text: str
    kind: str
    count: int


class SuggestionList(Struct, kw_only=True):
    """People, then words, the most frequent of each first."""

    items: "list[Suggestion]"


class Switch(Struct, kw_only=True):
    """Whether a filter is to be on."""

    enabled: bool


class SyncToken(Struct, kw_only=True):
    """The token of a list alone."""

    sync_token: str = member(name="syncToken")


class TemporaryAlias(Struct, kw_only=True):
    """An address that the account has for a while."""

    id: str
    email_address: str = member(name="emailAddress")
    expire_date: str = member(name="expireDate")


class TemporaryAliasList(Struct, kw_only=True):
    """The temporary aliases that work now."""

    items: "list[TemporaryAlias]"


class TemporaryAliases(Struct, kw_only=True):
    """Addresses that users make for a while."""

    enabled: bool
    max_number_of_aliases: int = member(name="maxNumberOfAliases")


class TemporaryAttachment(Struct, kw_only=True):
    """A file that this session has uploaded."""

    id: int
    name: str
    content_type: str = member(name="contentType")
    size: int


class TemporaryAttachmentList(Struct, kw_only=True):
    """The files of an upload, in their order."""

    items: "list[TemporaryAttachment]"


class Ticket(Struct, kw_only=True):
    """A ticket, good for one stream until it expires."""

    ticket: str
    expire_date: str = member(name="expireDate")


class TokenToValidate(Struct, kw_only=True):
    """A token that was sent."""

    username: str
    recovery_token: str = member(name="recoveryToken")


class TokenWanted(Struct, kw_only=True):
    """Whose password was forgotten, and where a token is to be sent: one of the two, in full."""

    username: str
    email: "str | None | UnsetType" = member(default=UNSET)
    phone_number: "str | None | UnsetType" = member(default=UNSET, name="phoneNumber")


class TwoFactorAuthPolicy(Struct, kw_only=True):
    """2-step verification."""

    status: str
    methods: list[str]


class UISettings(Struct, kw_only=True):
    """What programs keep of their user interface."""

    ui_settings: str = member(name="uiSettings")


class UpdateBatch(Struct, kw_only=True):
    """Mails, and the flags to set."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")
    is_unread: bool | UnsetType = member(default=UNSET, name="isUnread")
    is_flagged: bool | UnsetType = member(default=UNSET, name="isFlagged")


class UpdateConversations(Struct, kw_only=True):
    """Conversations, and the flags to set."""

    ids: list[str] | UnsetType = member(default=UNSET)
    ranges: "list[RangeBody] | UnsetType" = member(default=UNSET)
    sort_info: "SortBody | UnsetType" = member(default=UNSET, name="sortInfo")
    folder_id: str | UnsetType = member(default=UNSET, name="folderId")
    is_unread: bool | UnsetType = member(default=UNSET, name="isUnread")
    is_flagged: bool | UnsetType = member(default=UNSET, name="isFlagged")


class UpdatePolicy(Struct, kw_only=True):
    """The day by which security methods must be set up; the interval is days."""

    date: str
    warning_interval: int = member(name="warningInterval")
    in_warning_interval: bool = member(name="inWarningInterval")


class UpdatedMail(Struct, kw_only=True):
    """What can change of a mail whose content stays."""

    id: str
    folder_id: str = member(name="folderId")
    is_unread: bool = member(name="isUnread")
    is_flagged: bool = member(name="isFlagged")
    is_draft: bool = member(name="isDraft")
    is_deleted: bool = member(name="isDeleted")
    is_itip: bool = member(name="isItip")
    refw_flags: str = member(name="refwFlags")
    label_ids: list[str] = member(name="labelIds")
    conversation_id: str | UnsetType = member(default=UNSET, name="conversationId")


class VacationShape(Struct, kw_only=True):
    """What is answered while the owner is away."""

    age: int
    apply_always: bool = member(name="applyAlways")
    apply_to_external: bool = member(name="applyToExternal")
    apply_to_internal: bool = member(name="applyToInternal")
    body: str
    enabled: bool
    start_time: str | UnsetType = member(default=UNSET, name="startTime")
    end_time: str | UnsetType = member(default=UNSET, name="endTime")
    subject: str | UnsetType = member(default=UNSET)


class ValidatedToken(Struct, kw_only=True):
    """What a new password must be made of."""

    password_policy: "Policy" = member(name="passwordPolicy")


class Versions(Struct, kw_only=True):
    """What the server speaks and is."""

    api_version: str = member(name="apiVersion")
    server_version: str = member(name="serverVersion")


class Way(Struct, kw_only=True):
    """A way to recover a password."""

    method: str
    target: str


class WayList(Struct, kw_only=True):
    """The ways to recover a password; likely ones for a name that there is not."""

    items: "list[Way]"


class Webhook(Struct, kw_only=True):
    """A webhook. Its secret is there once: in the answer to the call that makes it."""

    id: str
    url: str
    kinds: list[str]
    folder_id: "str | None" = member(name="folderId")
    enabled: bool
    last_delivery: "str | None" = member(name="lastDelivery")
    failure: "WebhookFailure | None"
    secret: str | UnsetType = member(default=UNSET)


class WebhookChange(Struct, kw_only=True):
    """What is to be changed of a webhook."""

    url: str | UnsetType = member(default=UNSET)
    kinds: list[str] | UnsetType = member(default=UNSET)
    folder_id: "str | None | UnsetType" = member(default=UNSET, name="folderId")
    enabled: bool | UnsetType = member(default=UNSET)


class WebhookFailure(Struct, kw_only=True):
    """What is wrong with a webhook."""

    message: str
    since: "str | None"
    attempts: int
    next_attempt: "str | None" = member(name="nextAttempt")


class WebhookList(Struct, kw_only=True):
    """All webhooks of the account, oldest first."""

    items: "list[Webhook]"


class WhyJoined(Struct, kw_only=True):
    """Why mails are in their conversation, oldest first."""

    items: "list[JoinedMail]"
