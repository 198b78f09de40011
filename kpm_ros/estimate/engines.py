"""Which code evaluates a model: sample by sample, or whole recordings at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.streaming import StreamingEstimator
from kpm_ros.estimate.touch.layout import ARCHITECTURES as TOUCH
from kpm_ros.estimate.touch.streaming import TouchStreaming

if TYPE_CHECKING:
    from kpm_ros.estimate.batch import Recording

Array = NDArray[np.float32]


class Streaming(Protocol):
    """What `StreamingEstimator` does, for a model of any architecture."""

    card: ModelCard

    @property
    def pushed(self) -> int:
        """Samples taken since the stream began."""
        ...

    @property
    def given(self) -> int:
        """Samples of effort given since the stream began."""
        ...

    def push(self, pose: Array | None, keys: Array | None) -> Array:
        """Take samples, give the effort now known."""
        ...

    def flush(self) -> Array:
        """End the stream; give what is left."""
        ...

    def reset(self) -> None:
        """Start another stream."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """Copy everything the stream's future depends on."""
        ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        ...

    def warm_up(self) -> None:
        """Make the first hop as fast as any."""
        ...


def streaming_estimator(card: ModelCard, tensors: Mapping[str, Array]) -> Streaming:
    """Make what evaluates the card's model sample by sample."""
    if card.architecture in TOUCH:
        return TouchStreaming(card, tensors)
    return StreamingEstimator(card, tensors)


class Batch(Protocol):
    """What `BatchEstimator` does, for a model of any architecture."""

    def run(self, recordings: Sequence[Recording]) -> list[Array]:
        """Turn pose (T, P) and keys (T, K) of each recording into its effort (T, M)."""
        ...


def batch_estimator(card: ModelCard, tensors: Mapping[str, Array], device: str = "cpu") -> Batch:
    """Make what evaluates the card's model on whole recordings; it needs torch."""
    if card.architecture in TOUCH:
        from kpm_ros.estimate.touch.batch import TouchBatch

        return TouchBatch(card, tensors, device)
    from kpm_ros.estimate.batch import BatchEstimator

    return BatchEstimator(card, tensors, device)
