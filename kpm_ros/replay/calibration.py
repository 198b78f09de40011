"""What a recording says of hands and keys, for measuring the time between them."""

from __future__ import annotations

from pathlib import Path

from kpm_ros.replay import messages
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import KEY_EVENT, TopicFinder
from kpm_ros.sense.samples import HandFrame, KeyEvent


def read_hands_and_keys(
    folder: Path, namespace: str = ""
) -> tuple[list[HandFrame], list[KeyEvent]]:
    """Read all camera views and the key events, found by their types; damaged ones are left out."""
    frames: list[HandFrame] = []
    events: list[KeyEvent] = []
    with BagReader(folder) as bag:
        finder = TopicFinder(bag, namespace)
        keys = finder.require(KEY_EVENT)
        hands = [topic for name, topic in finder.senses().items() if name.startswith("camera/")]
        for message in bag.messages([keys, *hands]):
            try:
                decoded = bag.decode(message)
                if message.topic == keys:
                    events.append(messages.key_event(decoded))
                else:
                    frames.append(messages.hand_frame(decoded))
            except messages.RefusedMessageError:
                continue
    return frames, events
