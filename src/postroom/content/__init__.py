"""What is made of a message's bytes: its digest at arrival, its parts fit to be shown; and messages composed.

All of it is pure computing, and most of what the server spends processor time on. So it is described as tasks,
which the event loop may do itself or give to a helper process; see :mod:`postroom.content.work`.
"""
