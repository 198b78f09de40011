"""A recording's effort with every stretch of it as one batch, on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.chunk import AlignedChunk
from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.chunk import EffortChunk
from kpm_ros.estimate.engines import batch_estimator
from kpm_ros.estimate.estimator import EffortEstimator, Network

Array = NDArray[np.float32]


def estimate_whole(
    chunks: Sequence[AlignedChunk],
    tensors: Mapping[str, Array],
    make_estimator: Callable[[Network], EffortEstimator],
    device: str,
) -> Iterator[EffortChunk]:
    """Give the effort of a whole recording, as streaming would, up to rounding.

    The estimator is run twice: first to learn what its network is given, stretch by stretch from
    one reset to the next; then, with all stretches evaluated together, to make effort of it.
    """
    notes = _Notebook()
    learning = make_estimator(notes)
    notes.card = learning.card
    for chunk in chunks:
        learning.push(chunk)
    stretches = notes.stretches()
    efforts = batch_estimator(learning.card, tensors, device).run(stretches)
    answering = make_estimator(_Answers(efforts, learning.card.lookahead))
    for chunk in chunks:
        effort = answering.push(chunk)
        if effort is not None:
            yield effort


class _Notebook:
    """Stands in for the network and notes what it is given."""

    def __init__(self) -> None:
        self.card = ModelCard()
        self._stretches: list[list[tuple[Array, Array]]] = []

    def push(self, pose: Array, keys: Array) -> Array:
        stretch = self._stretches[-1]
        before = sum(len(rows) for rows, _ in stretch)
        stretch.append((pose, keys))
        ready = max(0, before + len(pose) - self.card.lookahead)
        given = ready - max(0, before - self.card.lookahead)
        return np.zeros((given, len(self.card.muscles)), np.float32)

    def reset(self) -> None:
        self._stretches.append([])

    def stretches(self) -> list[tuple[Array | None, Array | None]]:
        """Pose and keys of each stretch in one piece; a sense the model does not use is None."""
        whole: list[tuple[Array | None, Array | None]] = []
        for stretch in self._stretches:
            senses: list[Array | None] = []
            for place, sense in enumerate(("pose", "keys")):
                width = self.card.pose_channels if sense == "pose" else self.card.keys
                rows = [np.zeros((0, width), np.float32), *(part[place] for part in stretch)]
                senses.append(np.concatenate(rows) if sense in self.card.inputs else None)
            whole.append((senses[0], senses[1]))
        return whole


class _Answers:
    """Stands in for the network with what was computed beforehand."""

    def __init__(self, efforts: Sequence[Array], lookahead: int) -> None:
        self._efforts = iter(efforts)
        self._lookahead = lookahead
        self._effort = np.zeros((0, 0), np.float32)
        self._pushed = 0

    def push(self, pose: Array, keys: Array) -> Array:
        given = max(0, self._pushed - self._lookahead)
        self._pushed += len(pose)
        return self._effort[given : max(0, self._pushed - self._lookahead)]

    def reset(self) -> None:
        try:
            self._effort = next(self._efforts)
        except StopIteration:
            raise ValueError(
                "the network put out something that is no number: stream this recording instead"
            ) from None
        self._pushed = 0
