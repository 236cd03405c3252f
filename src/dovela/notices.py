"""What a user should know and need not act on: one logger, each notice once."""

from __future__ import annotations

import logging

logger = logging.getLogger("dovela")
_seen: set[str] = set()


def notice(message: str, *, once: bool = True) -> None:
    """Log `message` as a warning; with `once`, the same words are not repeated in this process."""
    if once and message in _seen:
        return
    _seen.add(message)
    logger.warning(message)
