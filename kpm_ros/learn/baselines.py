"""What a trained network must beat: the training mean, and a linear rule on a short window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.estimate.layout import SENSES
from kpm_ros.simulate.dataset import Rendering

_TAPS = 7
_EVERY = 16
"""Neighbouring samples at 1 kHz say almost the same: the fit uses one of so many."""
_BLOCK = 4096


class MeanBaseline:
    """Always estimates the mean effort."""

    def __init__(self, mean: NDArray[np.float64]) -> None:
        self._mean = mean

    def estimate(self, performance: Rendering) -> NDArray[np.float32]:
        """Effort of one performance: (n, muscles)."""
        rows = np.broadcast_to(self._mean, performance.effort.shape)
        return rows.astype(np.float32)


class RidgeBaseline:
    """Ridge regression on what the network sees, at seven moments around each sample."""

    def __init__(
        self,
        training: Sequence[Rendering],
        offset: NDArray[np.float64],
        scale: NDArray[np.float64],
        past: int,
        ahead: int,
        penalty: float = 1e-3,
        senses: Sequence[str] = SENSES,
    ) -> None:
        """Fit; the penalty is per sample, for inputs of unit size."""
        self._senses, self._offset, self._scale = senses, offset, scale
        moments = np.linspace(-past, ahead, _TAPS).round()
        self._taps = np.unique(moments).astype(np.int64)
        gram: NDArray[np.float64] | float = 0.0
        target: NDArray[np.float64] | float = 0.0
        count = 0
        for performance in training:
            at = np.arange(0, len(performance.effort), _EVERY)
            inputs = self._inputs(performance, at)
            gram = gram + inputs.T @ inputs
            target = target + inputs.T @ performance.effort[at].astype(np.float64)
            count += len(at)
        penalties = np.full(len(np.atleast_1d(gram)), penalty * count)
        penalties[-1] = 0.0
        self._weights = np.linalg.solve(gram + np.diag(penalties), target)

    def estimate(self, performance: Rendering) -> NDArray[np.float32]:
        """Effort of one performance: (n, muscles)."""
        effort = np.empty_like(performance.effort)
        for start in range(0, len(effort), _BLOCK):
            at = np.arange(start, min(start + _BLOCK, len(effort)))
            effort[at] = self._inputs(performance, at) @ self._weights
        return effort

    def _inputs(self, performance: Rendering, at: NDArray[np.int64]) -> NDArray[np.float64]:
        """All channels at all moments around each sample, and a one."""
        columns = []
        for tap in self._taps:
            rows = np.clip(at + tap, 0, len(performance.pose) - 1)
            if "pose" in self._senses:
                columns.append((performance.pose[rows] - self._offset) / self._scale)
            if "keys" in self._senses:
                columns.append(performance.keys[rows])
        columns.append(np.ones((len(at), 1)))
        return np.concatenate(columns, axis=1, dtype=np.float64)
