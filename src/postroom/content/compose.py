"""Composing a message and digesting it in one go, so that it goes to a helper process and back once."""

from typing import NamedTuple

import msgspec

from postroom.compose.message import Fields, compose_message, needs_smtputf8
from postroom.compose.outbound import is_8bit
from postroom.compose.parts import AttachedFile
from postroom.content.digest import Digest, digest_message


class ComposeTask(msgspec.Struct, array_like=True, tag="compose", frozen=True):
    """A message to be composed: what it says, and its files."""

    fields: Fields
    files: tuple[AttachedFile, ...] = ()

    @property
    def size(self) -> int:
        """About how many bytes there are to be composed."""
        fields = self.fields
        bodies = len(fields.body_text or "") + len(fields.body_html or "")
        return bodies + sum([len(file.content) for file in self.files])


class Composed(NamedTuple):
    """A message as its sender keeps it, with its Bcc, ready to be filed."""

    raw: bytes
    digest: Digest
    needs_smtputf8: bool
    """An address cannot be written in ASCII, so that the header is in UTF-8 (RFC 6531)."""
    is_8bit: bool
    """There is 8bit text in it, in its header or in an attached message (RFC 6152)."""


def compose(task: ComposeTask) -> Composed:
    """Return the message that a task describes. Raises: badParameter for what cannot stand in a header."""
    raw = compose_message(task.fields, task.files)
    return Composed(raw, digest_message(raw), needs_smtputf8(task.fields), is_8bit(raw))
