"""What Postroom does: the rules, and the transactions they need. Protocol edges call it; it knows none of them."""

from dataclasses import dataclass

from postroom.domain.accounts import Accounts
from postroom.domain.attachments import Attachments
from postroom.domain.counters import Counters
from postroom.domain.folders import Folders
from postroom.domain.health import Health
from postroom.domain.ingest import Ingest
from postroom.domain.logins import Logins
from postroom.domain.mails import Mails
from postroom.domain.messages import Messages
from postroom.domain.settings import Settings
from postroom.domain.tokens import Tokens


@dataclass(frozen=True)
class Domain:
    """The use cases, put together by the composition root."""

    accounts: Accounts
    attachments: Attachments
    counters: Counters
    folders: Folders
    health: Health
    ingest: Ingest
    logins: Logins
    mails: Mails
    messages: Messages
    settings: Settings
    tokens: Tokens
