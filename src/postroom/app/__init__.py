"""The composition root: a :class:`~postroom.config.root.Config` in, running services out."""

from postroom.app.serve import serve
from postroom.app.services import Services, open_services

__all__ = ["Services", "open_services", "serve"]
