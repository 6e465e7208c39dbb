"""What the OpenAPI document says in words and in tables, whatever the routes are."""

from typing import Any

from postroom.errors import Kind

JSONObject = dict[str, Any]

DESCRIPTION = """\
Every path answers alike with and without a trailing slash. Requests and answers are UTF-8 JSON; every answer carries
`X-Request-Id`. Authenticate with HTTP Basic (the account's address and password); a session of `login` may be named
in `X-Axigen-Session`, but none is needed. Browsers log in with `loginWithCookie`: their calls carry the cookie, and
name the session as `_h`; one without the other is nothing. Where a password must be changed first, all but a few
calls answer `notPermitted` with `mustChangePassword` in its details. Errors have one shape, described as `ErrorBody`.
"""
STATUS_TEXT = {
    400: "A parameter is invalid, missing or unexpected.",
    401: "No or wrong credentials, or no such session.",
    403: "Permissions or policy forbid it.",
    404: "It does not exist, or is not the caller's to know of.",
    405: "The path does not take this method.",
    409: "The state forbids it.",
    413: "The request body, or the image, is too large.",
    416: "The range lies beyond the end.",
    429: "Too many tries; see Retry-After.",
    431: "Request line and headers are too large.",
    500: "The server failed; the request id names the log line.",
    503: "The store cannot be reached; nothing was half done.",
}
EVERYWHERE = (
    "badParameter",
    "methodNotAllowed",
    "payloadTooLarge",
    "headersTooLarge",
    "internalError",
    "unavailable",
)
KIND_OF_CODE = {
    "badParameter": Kind.INVALID,
    "notAuthenticated": Kind.UNAUTHENTICATED,
    "sessionRequired": Kind.UNAUTHENTICATED,
    "secondFactorRequired": Kind.UNAUTHENTICATED,
    "securityTokenRequired": Kind.DENIED,
    "notPermitted": Kind.DENIED,
    "notFound": Kind.NOT_FOUND,
    "conflict": Kind.CONFLICT,
    "folderExists": Kind.CONFLICT,
    "folderNameTooLong": Kind.INVALID,
    "labelExists": Kind.CONFLICT,
    "messageQuotaExceeded": Kind.DENIED,
    "sizeQuotaExceeded": Kind.DENIED,
    "subfoldersNotAllowed": Kind.DENIED,
    "payloadTooLarge": Kind.TOO_LARGE,
    "tooManyRequests": Kind.LIMITED,
    "internalError": Kind.INTERNAL,
    "unavailable": Kind.UNAVAILABLE,
}
RESPONSE_HEADERS: dict[str, JSONObject] = {
    "X-Request-Id": {
        "description": "Names the call in the server's log.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    },
    "ETag": {"description": "For If-None-Match.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds.", "schema": {"type": "string", "pattern": "^[0-9]+$"}},
    "WWW-Authenticate": {
        "description": "Not sent to requests that carry a cookie or X-Requested-With.",
        "schema": {"type": "string"},
    },
    "Allow": {"description": "The methods that the path takes.", "schema": {"type": "string"}},
    "Content-Range": {"description": "Which bytes these are.", "schema": {"type": "string"}},
    "Set-Cookie": {"description": "The cookie of a session, or its end.", "schema": {"type": "string"}},
    "X-Axigen-2FA": {
        "description": "A second step follows: `required`, or `mandatory` to be set up.",
        "schema": {"type": "string", "enum": ["required", "mandatory"]},
    },
    "X-Captcha-Id": {"description": "Names the captcha at the login.", "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "The call was made before; this is what was answered then.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
HEADER_OF_STATUS = {
    401: "WWW-Authenticate",
    405: "Allow",
    416: "Content-Range",
    429: "Retry-After",
    503: "Retry-After",
}
REQUEST_HEADERS: dict[str, JSONObject] = {
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Tags of answers the client has; 304 if it has this one.",
        "schema": {"type": "string"},
    },
    "Range": {
        "name": "Range",
        "in": "header",
        "description": "One range of bytes.",
        "schema": {"type": "string"},
        "example": "bytes=0-1023",
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=N`, with If-None-Match: hold the answer until it differs, for N seconds (at most 300).",
        "schema": {"type": "string"},
        "example": "wait=300",
    },
    "Idempotency-Key": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The call is made once; the same call with this key is answered as it was, for 7 days.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
    },
    "X-Axigen-Security-Token": {
        "name": "X-Axigen-Security-Token",
        "in": "header",
        "description": "Of `account/security/check`; not needed in a session that sets up 2-step verification.",
        "schema": {"type": "string"},
    },
    "Last-Event-ID": {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id of the last event that was read: go on from there.",
        "schema": {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,17})\.(0|[1-9][0-9]{0,17})$"},
        "example": "1744.17",
    },
}
SECURITY_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic", "description": "Address and password of the account."},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-postroom",
        "description": "Of `loginWithCookie`; `postroom` where the server speaks plain HTTP on loopback.",
    },
    "cookieSession": {
        "type": "apiKey",
        "in": "query",
        "name": "_h",
        "description": "The `sessid` of `loginWithCookie`, to go with its cookie.",
    },
    "session": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Axigen-Session",
        "description": "The `sessid` of a login of the same account.",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "A ticket of `issueTicket`, where a program cannot send headers; each is good for one call.",
    },
}
FILES: JSONObject = {
    "schema": {
        "type": "object",
        "properties": {
            "file": {
                "type": "array",
                "items": {"type": "string", "format": "binary"},
                "minItems": 1,
                "description": "Files; the names of the fields are of no account.",
            }
        },
        "required": ["file"],
        "additionalProperties": False,
    },
    "example": {"file": ["Hello"]},
}
FILE: JSONObject = {
    "schema": {
        "type": "object",
        "properties": {
            "file": {
                "type": "string",
                "format": "binary",
                "description": "One file; the name of the field is of no account.",
            }
        },
        "required": ["file"],
        "additionalProperties": False,
    },
    "example": {"file": "Hello"},
}
