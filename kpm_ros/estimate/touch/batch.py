"""TouchNet over whole recordings, on a CPU or a GPU: what streaming gives, for offline work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from kpm_ros.estimate.batch import OverlappingChunks, Recording, usable_device
from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.inputs import check_rows
from kpm_ros.estimate.touch.layout import STRIDE, structure_of
from kpm_ros.estimate.touch.network import build_network
from kpm_ros.estimate.weights import check_tensors

Array = NDArray[np.float32]


class TouchBatch:
    """Evaluates recordings as one pass over each, its last sample held at the end."""

    def __init__(
        self,
        card: ModelCard,
        tensors: Mapping[str, Array],
        device: str = "cpu",
        chunk: int = 8192,
    ) -> None:
        check_tensors(card, tensors)
        self.card = card
        usable = usable_device(device)
        # One frame more, for how features have changed.
        behind = (structure_of(card).reach + 1) * STRIDE + card.lookahead
        self._chunks = OverlappingChunks(
            usable, _whole_frames(chunk), _whole_frames(behind), card.lookahead
        )
        self._network = build_network(card, tensors).to(usable)

    @torch.inference_mode()
    def run(self, recordings: Sequence[Recording]) -> list[Array]:
        """Turn pose (T, P) and keys (T, K) of each recording into its effort (T, M)."""
        return [self._one(pose, keys) for pose, keys in recordings]

    def _one(self, pose: Array | None, keys: Array | None) -> Array:
        rows = check_rows(self.card, {"pose": pose, "keys": keys})
        samples = len(next(iter(rows.values())))
        parts = [np.zeros((0, len(self.card.muscles)), np.float32)]
        seen = rows.get("pose"), rows.get("keys")
        for effort in self._chunks.through(self._network, *seen, samples):
            parts.append(effort.T.cpu().numpy())
        return np.concatenate(parts)


def _whole_frames(samples: int) -> int:
    """Samples of so many frames that these many fit in."""
    return -(-samples // STRIDE) * STRIDE
