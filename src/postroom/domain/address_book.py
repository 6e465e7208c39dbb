"""The use cases of contacts, put together."""

from collections.abc import Mapping
from dataclasses import dataclass

from postroom.config.classes import AccountClass
from postroom.content.pictures import PictureMaker
from postroom.domain.contact_changes import ContactChanges
from postroom.domain.contact_deltas import ContactDeltas
from postroom.domain.contact_transfer import ContactTransfer
from postroom.domain.contacts import Contacts
from postroom.domain.sessions import Sessions
from postroom.domain.settings import Settings
from postroom.domain.tokens import Tokens
from postroom.store import Store


@dataclass(frozen=True)
class AddressBook:
    """What can be done with contacts."""

    contacts: Contacts
    changes: ContactChanges
    deltas: ContactDeltas
    transfer: ContactTransfer

    @classmethod
    def over(
        cls,
        store: Store,
        classes: Mapping[str, AccountClass],
        pictures: PictureMaker,
        *,
        sessions: Sessions,
        settings: Settings,
        tokens: Tokens,
    ) -> "AddressBook":
        """Return the use cases over a store."""
        contacts = Contacts(store, sessions, settings, tokens=tokens)
        return cls(
            contacts,
            ContactChanges(store, classes, pictures),
            ContactDeltas(store, contacts, tokens),
            ContactTransfer(store, classes, tokens),
        )
