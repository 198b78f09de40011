"""Managed nodes in a test's hands."""

from __future__ import annotations

from typing import Any


def active(node: Any) -> Any:
    """Configure and activate a node whose steps the test makes itself, in place of its loops."""
    node.add_loop = lambda *_: None
    node.start()
    return node
