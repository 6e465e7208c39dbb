"""The configuration: one frozen dataclass for each section, :class:`Config` for the whole.

Loading it from files and the environment is in :mod:`postroom.config.load`, which only the composition root
and the command line use; everything else is handed its section.
"""

from postroom.config.classes import DEFAULT_CLASS, AccountClass
from postroom.config.root import Config

__all__ = ["DEFAULT_CLASS", "AccountClass", "Config"]
