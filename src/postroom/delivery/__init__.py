"""Mail in: the LMTP server (RFC 2033). It speaks the protocol and knows the domain only by :mod:`.ports`."""
