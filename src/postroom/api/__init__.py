"""The HTTP/JSON interface: requests in, one use case each, answers out. Knows no SQL and no LMTP."""
