"""One view's hand: tracked in each picture, and published."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from kpm_ros.msg import HandLandmarks
from kpm_ros.nodes import qos, wire
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.camera_settings import HandSettings
from kpm_ros.nodes.diagnostics import Report
from kpm_ros.nodes.settings import ConfigurationError
from kpm_ros.sense.cleanup import LiveCleaner
from kpm_ros.sense.hands import TrackedHand
from kpm_ros.sense.mediapipe_hands import TrackerUnavailableError
from kpm_ros.sense.samples import HandFrame
from kpm_ros.sense.tracking import HandSelector, HandTracker, HandTrackerConfig


class HandOutput:
    """Tracks hands and publishes the chosen one for every picture, seen or not."""

    def __init__(self, node: PipelineNode, view: str, settings: HandSettings) -> None:
        """Load the tracker and advertise the view's topic."""
        self.view = view
        self._frame_id = settings.frame_id
        self._node = node
        try:
            self.tracker = HandTracker(tracker_config(settings))
        except (TrackerUnavailableError, ValueError) as error:
            raise ConfigurationError(f"{node.get_name()}: {error}") from None
        self._settings = settings
        self._selector = _selector(settings)
        self._cleaner = _cleaner(settings.clean_up)
        topic = f"camera/{view}/hand"
        self._publisher = node.create_publisher(HandLandmarks, topic, qos.of(topic))
        self._hand = self._selector.hand
        self._stamp_ns = -1
        self._seen = self._total = self._pictures = self._both = 0
        self._busy_s = self._longest_s = 0.0

    def reconfigure(self, settings: HandSettings) -> None:
        """Choose and clean up otherwise from the next picture on."""
        try:
            tracking = tracker_config(settings)
        except ValueError as error:
            raise ConfigurationError(f"{self._node.get_name()}: {error}") from None
        cleaner, selector = _cleaner(settings.clean_up), _selector(settings)
        now = self._settings
        self.tracker.config = tracking
        if (settings.hand, settings.near_x, settings.near_y) != (now.hand, now.near_x, now.near_y):
            self._selector = selector
        if settings.clean_up != now.clean_up:
            self._cleaner = cleaner
        self._settings = settings

    def show(
        self, image: NDArray[np.uint8], stamp_ns: int, index: int, frame_id: str = ""
    ) -> HandFrame:
        """Track one picture, publish its hand, and return what was published.

        `frame_id` is the picture's own; the parameter of that name goes before it.
        """
        began = time.monotonic()
        hands = self.tracker.track(image, stamp_ns)
        chosen = self._selector.select(hands, stamp_ns)
        points = self._cleaned(chosen, stamp_ns)
        spent = time.monotonic() - began
        frame = HandFrame(
            stamp_ns=stamp_ns,
            view=self.view,
            index=index,
            points=points,
            confidence=chosen.confidence if chosen and points is not None else 0.0,
            hand=self._selector.hand,
            image_size=(image.shape[1], image.shape[0]),
            processed_ns=self._node.now_ns(),
            frame_id=self._frame_id or frame_id,
        )
        self._publisher.publish(wire.hand_message(frame))
        self._pictures += 1
        self._total += 1
        self._seen += points is not None
        self._both += len(hands) > 1
        self._busy_s += spent
        self._longest_s = max(self._longest_s, spent)
        return frame

    def report(self, report: Report) -> None:
        """Add how tracking went since the last report."""
        pictures = max(self._pictures, 1)
        report.values |= {
            "tracked": self._total,
            "hand": self._selector.hand,
            "hand_fraction": self._seen / pictures,
            "both_hands_fraction": self._both / pictures,
            "tracking_ms": 1e3 * self._busy_s / pictures,
            "tracking_ms_max": 1e3 * self._longest_s,
            "hands_renamed": self.tracker.renamed,
            "hands_refused": self.tracker.refused,
            "outliers": self._cleaner.outliers if self._cleaner else 0,
        }
        self._pictures = self._seen = self._both = 0
        self._busy_s = self._longest_s = 0.0

    def close(self) -> None:
        """Free the tracker."""
        self.tracker.close()

    def _cleaned(self, chosen: TrackedHand | None, stamp_ns: int) -> NDArray[np.float32] | None:
        points = chosen.points if chosen else None
        if self._cleaner is None:
            return points
        if self._selector.hand != self._hand or stamp_ns <= self._stamp_ns:
            # Another hand, or a recording that began again: its past is not this one's.
            self._cleaner.reset()
        self._hand, self._stamp_ns = self._selector.hand, stamp_ns
        return self._cleaner.push(points)[0]


def tracker_config(settings: HandSettings) -> HandTrackerConfig:
    """Turn a node's parameters into the tracker's configuration; ValueError when they cannot be."""
    return HandTrackerConfig(
        hands=settings.hands,
        model=settings.model,  # type: ignore[arg-type]
        task_file=settings.task_file,
        mirrored=settings.mirrored,
        min_confidence=settings.min_confidence,
        detection_confidence=settings.detection_confidence,
        tracking_confidence=settings.tracking_confidence,
        region=_region(settings.region),
        follow=settings.follow,
    )


def _region(text: str) -> tuple[float, float, float, float]:
    try:
        left, top, right, bottom = (float(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise ValueError(
            f"region is {text!r}, but must be four numbers: left, top, right, bottom as fractions"
        ) from None
    return left, top, right, bottom


def _selector(settings: HandSettings) -> HandSelector:
    return HandSelector(settings.hand, (settings.near_x, settings.near_y))  # type: ignore[arg-type]


def _cleaner(choice: str) -> LiveCleaner | None:
    return None if choice == "none" else LiveCleaner(smooth_newest=choice == "smooth")


def view_of(node: PipelineNode, view: str, prefix: str) -> str:
    """Name of the node's view: the one given, else what follows the prefix in the node's name."""
    name = view or node.get_name().removeprefix(prefix).removeprefix("_") or "top"
    if not name.isidentifier():
        raise ConfigurationError(
            f"{node.get_name()}: view is {name!r}, but must be a word such as top: it is part of "
            "topic names"
        )
    return name
