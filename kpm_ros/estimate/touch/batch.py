"""TouchNet over whole recordings, on a CPU or a GPU: what streaming gives, for offline work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kpm_ros.estimate.batch import Recording, usable_device
from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.inputs import check_rows
from kpm_ros.estimate.touch.layout import STRIDE, structure_of
from kpm_ros.estimate.touch.network import build_network
from kpm_ros.estimate.weights import check_tensors

Array = NDArray[np.float32]


class TouchBatch:
    """Evaluates recordings as one pass over each, its last sample held at the end.

    Each is taken in chunks that overlap by what the network can see, so that memory does not grow
    with length.
    """

    def __init__(
        self,
        card: ModelCard,
        tensors: Mapping[str, Array],
        device: str = "cpu",
        chunk: int = 8192,
    ) -> None:
        check_tensors(card, tensors)
        self.card = card
        self._device = usable_device(device)
        self._chunk = -(-chunk // STRIDE) * STRIDE
        # One frame more, for how features have changed.
        self._behind = (structure_of(card).reach + 1) * STRIDE + card.lookahead
        self._behind = -(-self._behind // STRIDE) * STRIDE
        self._network = build_network(card, tensors).to(self._device)

    @torch.inference_mode()
    def run(self, recordings: Sequence[Recording]) -> list[Array]:
        """Turn pose (T, P) and keys (T, K) of each recording into its effort (T, M)."""
        # TF32 would round the convolutions' inputs to ten bits.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return [self._one(pose, keys) for pose, keys in recordings]

    def _one(self, pose: Array | None, keys: Array | None) -> Array:
        rows = check_rows(self.card, {"pose": pose, "keys": keys})
        samples = len(next(iter(rows.values())))
        parts = [np.zeros((0, len(self.card.muscles)), np.float32)]
        for start in range(0, samples, self._chunk):
            end = min(samples, start + self._chunk)
            first, last = max(0, start - self._behind), min(samples, end + self.card.lookahead)
            seen = (self._columns(rows, sense, first, last) for sense in ("pose", "keys"))
            effort = self._network(*seen)[0, :, start - first : end - first]
            parts.append(effort.T.cpu().numpy())
        return np.concatenate(parts)

    def _columns(
        self, rows: Mapping[str, Array], sense: str, first: int, last: int
    ) -> Tensor | None:
        if sense not in rows:
            return None
        columns = np.ascontiguousarray(rows[sense][first:last].T, np.float32)
        return torch.from_numpy(columns)[None].to(self._device)
