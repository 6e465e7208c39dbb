"""Postroom: a mailbox server. Mail in by LMTP, mailboxes out by an HTTP/JSON API, counted exactly."""

__version__ = "0.1.0"
