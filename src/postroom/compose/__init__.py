"""Writing messages: addresses, headers, bodies with their attachments, threads, and reports about mail.

The counterpart of :mod:`postroom.mime`. Everything here is pure: records in, bytes out, no I/O and no clock. What is
written is valid for the strictest reader: RFC 5322 with 6532 where an address needs it, 2045 to 2049, 2183, 2231,
2387, 2392; reports by 3462, 3464, 8098; automatic replies by 3834.
"""
