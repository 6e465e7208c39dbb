"""What Postroom does: the rules, and the transactions they need. Protocol edges call it; it knows none of them."""

from dataclasses import dataclass

from postroom.domain.access_tokens import AccessTokens
from postroom.domain.accounts import Accounts
from postroom.domain.address_book import AddressBook
from postroom.domain.attachments import Attachments
from postroom.domain.batches import Batches
from postroom.domain.bimi import Bimi
from postroom.domain.calls import Calls
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
from postroom.domain.health import Health
from postroom.domain.indexes import Indexes
from postroom.domain.ingest import Ingest
from postroom.domain.jobs import Jobs
from postroom.domain.labels import Labels
from postroom.domain.learning import Learning
from postroom.domain.logins import Logins
from postroom.domain.mail_changes import MailChanges
from postroom.domain.mails import Mails
from postroom.domain.messages import Messages
from postroom.domain.news import News
from postroom.domain.operations import Operations
from postroom.domain.passwords import Passwords
from postroom.domain.profiles import Profiles
from postroom.domain.recovery import Recovery
from postroom.domain.search import Search
from postroom.domain.search_folders import SearchFolders
from postroom.domain.search_suggestions import SearchSuggestions
from postroom.domain.second_steps import SecondSteps
from postroom.domain.security_log import SecurityLogs
from postroom.domain.security_methods import SecurityMethods
from postroom.domain.security_tokens import SecurityTokens
from postroom.domain.sending import Sending
from postroom.domain.settings import Settings
from postroom.domain.sharing import Sharing
from postroom.domain.signatures import Signatures
from postroom.domain.temporary_aliases import TemporaryAliases
from postroom.domain.temporary_attachments import TemporaryAttachments
from postroom.domain.tickets import Tickets
from postroom.domain.tokens import Tokens
from postroom.domain.unsending import Unsending
from postroom.domain.vacation import Vacations
from postroom.domain.visits import Visits
from postroom.domain.webhooks import Webhooks


@dataclass(frozen=True)
class Domain:
    """The use cases, put together by the composition root."""

    access_tokens: AccessTokens
    accounts: Accounts
    address_book: AddressBook
    attachments: Attachments
    batches: Batches
    bimi: Bimi
    calls: Calls
    conversation_batches: ConversationBatches
    conversation_changes: ConversationChanges
    conversations: Conversations
    cookie_logins: CookieLogins
    counters: Counters
    deltas: Deltas
    doomed: Doomed
    drafts: Drafts
    event_streams: EventStreams
    filter_settings: FilterSettings
    folder_changes: FolderChanges
    folders: Folders
    health: Health
    indexes: Indexes
    ingest: Ingest
    jobs: Jobs
    labels: Labels
    learning: Learning
    logins: Logins
    mail_changes: MailChanges
    mails: Mails
    messages: Messages
    news: News
    operations: Operations
    passwords: Passwords
    profiles: Profiles
    recovery: Recovery
    search: Search
    search_folders: SearchFolders
    search_suggestions: SearchSuggestions
    second_steps: SecondSteps
    security_methods: SecurityMethods
    security_tokens: SecurityTokens
    security_logs: SecurityLogs
    sending: Sending
    settings: Settings
    sharing: Sharing
    signatures: Signatures
    temporary_aliases: TemporaryAliases
    temporary_attachments: TemporaryAttachments
    tickets: Tickets
    tokens: Tokens
    unsending: Unsending
    vacations: Vacations
    visits: Visits
    webhooks: Webhooks
