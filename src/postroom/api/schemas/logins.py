"""Shapes of logging in, and of what the server says of itself."""

from postroom.api.schemas.fields import Shape


class Versions(Shape, frozen=True):
    """What the server speaks and is."""

    api_version: str
    server_version: str


class Login(Shape, frozen=True):
    """A session, by its id."""

    sessid: str
