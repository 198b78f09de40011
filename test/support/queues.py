"""Stand-ins for what a node listens to, so that a test decides what it hears, and when."""

from __future__ import annotations

from typing import Any

from rosgraph_msgs.msg import Clock

from kpm_ros.nodes import wire


class Queue:
    """Stands for a subscription: gives what the test has put into it."""

    topic, publishers = "/made/up", 1

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.waiting: list[tuple[Any, int]] = []

    def take(self) -> list[tuple[Any, int]]:
        """Take everything."""
        taken, self.waiting = self.waiting, []
        return taken

    take_sent = take


def tell(clock: Queue, host_ns: int, shown_ns: int) -> None:
    """Let a clock show a time from an instant of the host's on."""
    clock.waiting.append((Clock(clock=wire.time_message(shown_ns)), host_ns))
