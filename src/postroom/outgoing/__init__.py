"""Mail out: SMTP to the smart host or to the exchangers of a domain, and DKIM.

The counterpart of :mod:`postroom.delivery`. It speaks protocols; what is sent, when, and what becomes of it is the
domain's (:mod:`postroom.domain.queue_turns`).
"""
