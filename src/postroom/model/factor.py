"""Records of second steps: methods by which a user is reached or proves to be there. Times are Unix milliseconds."""

from typing import Final, Literal, NamedTuple, NewType

from postroom.model.ids import AccountId, SessionId

MethodId = NewType("MethodId", int)
"""Number of a method within its account; random, never used twice."""

MethodKind = Literal["sms", "email", "authApp"]
"""Kinds of methods: a code comes to a phone, by mail, or is made by an app."""
SMS: Final = "sms"
EMAIL: Final = "email"
AUTH_APP: Final = "authApp"
PURPOSE = "security-method"
"""What the targets of methods are sealed for."""


class MethodRef(NamedTuple):
    """A method, named across accounts."""

    owner: AccountId
    method: MethodId


class Method(NamedTuple):
    """A method; the columns are explained in the schema."""

    account_id: AccountId
    method_id: MethodId
    session_id: SessionId
    """0 once it is activated."""
    kind: MethodKind
    target: str
    """Sealed."""
    target_key: bytes
    created_at: int
    last_used_at: int = 0
    last_step: int = 0
    code_hash: bytes = b""
    code_sent_at: int = 0
    code_tries: int = 0
    sent_since: int = 0
    sent_count: int = 0


class TwoFactor(NamedTuple):
    """2-step verification of an account."""

    enabled_at: int = 0
    wrong: int = 0
    wrong_at: int = 0


class RecoveryToken(NamedTuple):
    """What was sent to who forgot a password; ``token_hash`` is empty where it was used."""

    token_hash: bytes = b""
    expires_at: int = 0
    tries: int = 0
    sent_since: int = 0
    sent_count: int = 0
