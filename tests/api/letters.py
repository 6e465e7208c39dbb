"""Letters that answer each other, for tests of conversations."""

from typing import Any, NamedTuple

from postroom.api.ids import render_mail
from postroom.domain.filing import Flags
from postroom.model.folder import INBOX
from postroom.model.ids import FolderId
from tests.api.world import User

DATE = 1_744_500_000


class Letter(NamedTuple):
    """What is said of a message; ``answers`` are the names of those before it, the oldest first."""

    name: str
    subject: str = "Lunch"
    answers: tuple[str, ...] = ()
    from_: str = "Bea Sender <bea@example.org>"
    to: str = "ann@example.test"
    cc: str = ""
    importance: str = "normal"
    attachment: str = ""
    text: str = ""

    def render(self) -> bytes:
        """Return the raw message."""
        fields = {
            "From": self.from_,
            "To": self.to,
            "Cc": self.cc,
            "Subject": self.subject,
            "Message-ID": f"<{self.name}@example.org>",
            "In-Reply-To": f"<{self.answers[-1]}@example.org>" if self.answers else "",
            "References": " ".join(f"<{name}@example.org>" for name in self.answers),
            "Importance": self.importance,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        text = self.text or f"Text of {self.name}."
        if not self.attachment:
            return f"{head}\r\n{text}\r\n".encode()
        return (
            f'{head}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
            f"--b\r\n\r\n{text}\r\n--b\r\nContent-Type: application/pdf\r\n"
            f'Content-Disposition: attachment; filename="{self.attachment}"\r\n\r\npdf\r\n--b--\r\n'
        ).encode()


async def put(
    user: User, letter: Letter, *, folder: FolderId = INBOX, date: int = DATE, flags: Flags | None = None
) -> str:
    """Put a letter into a folder; return the wire id of the mail."""
    account_id = user.account.account_id
    filed = await user.world.domain.ingest.file_message(
        account_id, folder, letter.render(), date=date, flags=flags or Flags()
    )
    return render_mail(account_id, folder, filed.uid)


async def list_conversations(user: User, folder: str = "", **query: Any) -> list[dict[str, Any]]:
    """Return the conversations of a folder, by default the Inbox."""
    page = await user.get("/api/v1/conversations", folderId=folder or user.inbox, limit=1000, **query)
    assert page["totalItems"] == len(page["items"])
    return list(page["items"])
