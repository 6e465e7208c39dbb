"""``postroom doctor``: looks at everything the server needs, and says of each finding what to do about it.

A check is a coroutine that takes the configuration and returns findings; each module has those of one subject, and
:mod:`.examine` lists them, runs them side by side and bounds their time. They change nothing: the store keeps its
schema, and what the check of blobs writes it removes.
"""

from postroom.app.doctor.examine import examine
from postroom.app.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
