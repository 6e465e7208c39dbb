"""Measurements: a deterministic corpus, a compiled load client, and the benchmark that `postroom bench` runs.

Nothing in the server depends on this package. It talks to a server process from outside, over HTTP and LMTP.
"""
