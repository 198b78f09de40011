"""A network's scores, run sample by sample as it is when it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.senses import MISSING, blank
from kpm_ros.estimate.streaming import StreamingEstimator
from kpm_ros.learn.metrics import Scores, score
from kpm_ros.simulate.dataset import Rendering

Tensors = Mapping[str, NDArray[np.float32]]


def as_stored(tensors: Tensors) -> dict[str, NDArray[np.float32]]:
    """Round weights to what a model file keeps of them."""
    return {name: tensor.astype(np.float16).astype(np.float32) for name, tensor in tensors.items()}


def evaluate(
    card: ModelCard,
    tensors: Tensors,
    performances: Sequence[Rendering],
    without: str | None = None,
) -> Scores:
    """Score a network on whole performances, as its file will keep it.

    `without` names an optional sense that is missing all the time.
    """
    estimator = StreamingEstimator(card, as_stored(tensors))
    pairs = []
    for performance in performances:
        estimator.reset()
        flags = np.full(len(performance.effort), MISSING[without] if without else 0, np.uint8)
        estimate = estimator.push(*blank(performance.pose, performance.keys, flags, card))
        pairs.append((performance.effort, np.concatenate([estimate, estimator.flush()])))
    return score(pairs, card.muscles)
