"""A call: the framework's request, with the caller and the parsing that every route shares.

:func:`admit` runs before each handler. It authenticates where the operation says so and sees to the body where none
is expected, so that no route can forget either.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.types import Scope

from postroom.api import body, conditional, ids
from postroom.api.cookies import find_cookies, find_sessid
from postroom.api.operation import Access, Operation, check_scope, check_stage
from postroom.api.query import Query
from postroom.api.reply import Reply, not_modified
from postroom.api.settings import APISettings
from postroom.api.stats import APIStats
from postroom.auth.credentials import not_authenticated
from postroom.domain import Domain
from postroom.domain.password_policy import change_first
from postroom.domain.uploads import Staging
from postroom.errors import PostroomError
from postroom.model.account import Caller
from postroom.model.ids import FolderId, FolderRef, MailRef
from postroom.model.search_folder import is_search_folder

T = TypeVar("T", bound=msgspec.Struct)

SESSION_HEADER = b"x-axigen-session"
SECURITY_TOKEN_HEADER = b"x-axigen-security-token"
EXCHANGE = "postroom"
"""Key of the :class:`Exchange` in the ASGI scope."""


@dataclass(slots=True)
class Exchange:
    """What the edge knows of a request before any framework sees it."""

    request_id: str
    headers: dict[bytes, bytes]
    """Of a repeated header the last value."""
    domain: Domain
    settings: APISettings
    stats: APIStats
    caller: Caller | None = None
    raw_body: bytes | None = None
    """The body, once it was read."""
    staging: Staging | None = None
    """The files of an upload, once they have begun to arrive; closed when the call is over."""
    is_admitted: bool = False
    found_mail: MailRef | None = None
    """The proper name of the mail in the path, if its name there is the name of a mail."""
    search_folder: FolderId | None = None
    """That search folder."""


def get_exchange(scope: Scope) -> Exchange:
    """Return what the edge left in ``scope``."""
    found: Exchange = scope[EXCHANGE]  # type: ignore[literal-required]
    return found


class Call(Request[Any, Any, Any]):
    """The request, as handlers take it."""

    @property
    def exchange(self) -> Exchange:
        """What the edge left in the scope."""
        found: Exchange = self.scope[EXCHANGE]  # type: ignore[literal-required]
        return found

    @property
    def domain(self) -> Domain:
        """The use cases."""
        return self.exchange.domain

    @property
    def caller(self) -> Caller:
        """The account that calls; there is one wherever the operation's access is ACCOUNT."""
        caller = self.exchange.caller
        if caller is None:
            raise RuntimeError("the operation does not authenticate its caller")
        return caller

    @property
    def client_host(self) -> str:
        """Address of the client, "" if it has none (a unix socket)."""
        client = self.scope.get("client")
        return client[0] if client else ""

    @property
    def authorization(self) -> str | None:
        """The Authorization header, None if absent."""
        return self.find_header(b"authorization")

    @property
    def session_token(self) -> str | None:
        """The session that the call names, None if it names none."""
        return self.find_header(SESSION_HEADER)

    async def authenticate(self) -> Caller:
        """Return the account that the request's credentials and session name.

        Raises: notAuthenticated; secondFactorRequired where the session waits for its second step; notPermitted
        where the credentials are not for this, or its password must be changed before it may do this.
        """
        logins = self.domain.logins
        cookie = self.find_header(b"cookie")
        # A header login goes first: its client may well carry a cookie of somebody who shares the browser.
        if cookie is None or self.authorization is not None or self.session_token is not None:
            caller = await logins.authenticate(
                self.authorization, self.session_token, client=self.client_host
            )
        else:
            caller = await self._authenticate_by_cookie(cookie)
        declared: Operation = self.route_handler.opt["operation"]
        check_caller(self, caller)
        if logins.must_change(caller) and not declared.despite_due_password:
            raise change_first()
        return caller

    async def _authenticate_by_cookie(self, cookie: str) -> Caller:
        sessid = find_sessid(self.scope["query_string"])
        cookies = find_cookies(cookie, self.exchange.settings)
        if sessid is None or not cookies:
            raise not_authenticated()
        return await self.domain.cookie_logins.authenticate(sessid, cookies)

    def find_header(self, name: bytes) -> str | None:
        """Return the value of the header with this lower-case ``name``, None if absent or empty."""
        value = self.exchange.headers.get(name)
        return value.decode("utf-8", "surrogateescape") if value else None

    def parse_query(self, query: Query[T]) -> T:
        """Return the query parameters; raises ``badParameter``."""
        return query.parse(self.scope["query_string"])

    async def read_raw_body(self, limit: int | None = None) -> bytes:
        """Return the body, of at most ``limit`` bytes, by default that of JSON; raises ``payloadTooLarge``."""
        exchange = self.exchange
        if exchange.raw_body is None:
            limit = exchange.settings.max_json_bytes if limit is None else limit
            exchange.raw_body = await body.read_body(exchange.headers, self.receive, limit)
        return exchange.raw_body

    async def parse_body(self, decoder: "msgspec.json.Decoder[T]") -> T:
        """Return the JSON body; raises ``badParameter`` or ``payloadTooLarge``."""
        return body.decode_body(await self.read_raw_body() or b"{}", decoder)

    def parse_folder_ref(self) -> FolderRef:
        """Return the folder in the path; raises ``badParameter``."""
        return ids.parse_folder(self.scope["path_params"]["folder_id"], "folderId")

    def parse_mail_ref(self) -> MailRef:
        """Return the mail in the path, by its proper name; raises ``badParameter``."""
        return self.exchange.found_mail or ids.parse_mail(self.scope["path_params"]["mail_id"], "mailId")

    def parse_index(self, name: str, parameter: str) -> int:
        """Return the number at ``name`` in the path; raises ``badParameter`` naming ``parameter``."""
        return ids.parse_index(self.scope["path_params"][name], parameter)

    def find_not_modified(self, etag: bytes) -> Reply | None:
        """Return the 304 if the client has what ``etag`` stands for (GET and HEAD only, RFC 9110 §13.1.2)."""
        if conditional.matches(self.exchange.headers.get(b"if-none-match"), etag):
            return not_modified(etag)
        return None


def check_caller(call: Call, caller: Caller) -> None:
    """Refuse an operation that a caller's session or credentials are not for.

    Raises: secondFactorRequired; notPermitted.
    """
    declared: Operation = call.route_handler.opt["operation"]
    check_stage(declared, caller)
    check_scope(declared, call.method, caller)


async def admit(call: "Request[Any, Any, Any]") -> None:
    """Authenticate the caller and refuse an unexpected body, as the operation declares; once."""
    assert isinstance(call, Call)  # noqa: S101 (the application's request class)
    declared: Operation | None = call.route_handler.opt.get("operation")
    exchange = call.exchange
    if declared is None or exchange.is_admitted:
        return
    if declared.access is Access.ACCOUNT:
        exchange.caller = await call.authenticate()
        if declared.needs_security_token:
            await call.domain.security_tokens.require(
                exchange.caller, call.find_header(SECURITY_TOKEN_HEADER)
            )
    if declared.body is None and not declared.takes_files and not declared.max_file_bytes:
        body.refuse_body(await call.read_raw_body())
    exchange.is_admitted = True


async def prepare(call: "Request[Any, Any, Any]") -> None:
    """Do what comes before every handler; an answer that is remembered comes before all but the first of it."""
    await admit(call)
    assert isinstance(call, Call)  # noqa: S101 (the application's request class)
    await _find_mail_in_path(call)


async def _find_mail_in_path(call: Call) -> None:
    """Find out what a mail is properly called that the path names as one of a search folder.

    What is no id at all is left for the handler to refuse.
    """
    exchange, text = call.exchange, call.scope["path_params"].get("mail_id")
    if text is None or exchange.caller is None:
        return
    try:
        ref = ids.parse_mail(text, "mailId")
    except PostroomError:
        return
    if is_search_folder(ref.folder):
        exchange.search_folder = ref.folder
        ref = await call.domain.search_folders.resolve(exchange.caller, ref)
    exchange.found_mail = ref
