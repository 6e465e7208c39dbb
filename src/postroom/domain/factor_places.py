"""What the rotation of server keys has to know of second steps: the targets of methods are sealed."""

from typing import Any

from postroom.auth.vault import Place
from postroom.domain.key_rotation import Sealed
from postroom.model.factor import PURPOSE
from postroom.store.tx import Directory, DirectoryTransaction


class MethodTargets:
    """The addresses, numbers and secrets of methods, those that are being set up included."""

    async def list_after(self, directory: Directory, position: Any, *, limit: int) -> list[Sealed]:
        """Return those behind an account and method."""
        rows = await directory.methods.list_sealed(position or (-1, -1), limit=limit)
        return [
            Sealed((account_id, method_id), Place(PURPOSE, account_id, method_id), text)
            for account_id, method_id, text in rows
        ]

    async def replace(self, tx: DirectoryTransaction, sealed: Sealed, text: str) -> bool:
        """Put ``text`` in the place of a target if it is still that."""
        account_id, method_id = sealed.position
        return await tx.methods.reseal(account_id, method_id, sealed.text, new=text)
