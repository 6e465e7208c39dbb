"""Reading messages: part tree with offsets, headers, addresses, decoding, bodies, attachments, summaries.

Everything here is pure: bytes (or a memory map) in, records of :mod:`postroom.model.mail` and text out, no I/O and
no clock. Nothing raises because of what a message contains, and everything takes time linear in its size: mail is
hostile, and broken mail is the rule. The RFCs are 2045 to 2049, 2047, 2183, 2231, 3676, 5322 with its obsolete
forms, and 6532.
"""
