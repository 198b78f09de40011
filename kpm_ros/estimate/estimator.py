"""From aligned samples to effort on the 2 kHz grid: what the inference node and replay drive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.chunk import AlignedChunk
from kpm_ros.align.flags import Flag
from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.chunk import EFFORT_RATE_HZ, EffortChunk
from kpm_ros.estimate.clock import EffortClock
from kpm_ros.estimate.validity import ValidityGate, ValidityRules


class Network(Protocol):
    """What turns grid samples into effort, `card.lookahead` samples later."""

    def push(
        self, pose: NDArray[np.float32], keys: NDArray[np.float32]
    ) -> NDArray[np.float32]:  # pragma: no cover
        """Take samples in as rows; give the outputs that became available."""

    def reset(self) -> None:  # pragma: no cover
        """Begin a new stream."""


@dataclass
class EstimatorCounts:
    """What happened, for diagnostics."""

    samples: int = 0
    bridged: int = 0
    """Grid samples that were lost on the way and filled with the last one."""
    resets: int = 0
    """Times the stream broke off and the network began afresh."""
    not_finite: int = 0
    """Outputs that were no numbers."""


class EffortEstimator:
    """Runs the network on consecutive chunks and puts its effort on the 2 kHz grid.

    A gap of up to `bridge_s` is filled with the last sample, flagged as held; a longer one, or a
    step back, resets the network, whose output is then flagged as warming up.
    """

    def __init__(
        self,
        card: ModelCard,
        network: Network,
        *,
        bridge_s: float = 0.03,
        warm_up_s: float = 0.1,
        validity: ValidityRules | None = None,
    ) -> None:
        """Start before the first sample."""
        self.card = card
        self.counts = EstimatorCounts()
        self._network = network
        self._bridge = round(bridge_s * card.rate_hz)
        self._warm_up = round(warm_up_s * card.rate_hz)
        self._causes = invalid_causes(card.inputs)
        self._clock = EffortClock(card.rate_hz)
        self._gate = ValidityGate(len(card.muscles), EFFORT_RATE_HZ, validity)
        self._emitted = 0
        self._last_output: int | None = None
        self._begin()

    def push(self, chunk: AlignedChunk) -> EffortChunk | None:
        """Take a chunk in; give the effort it completes, or None when there is none yet."""
        pose, keys, flags = self._follow_on(chunk)
        raw = self._network.push(pose, keys)
        self.counts.samples += len(flags)
        self._flags = np.concatenate([self._flags, flags])
        if not len(raw):
            return None
        out_flags = self._output_flags(len(raw))
        bad = ~np.isfinite(raw).all(axis=1)
        if bad.any():
            self.counts.not_finite += int(bad.sum())
            raw = np.where(bad[:, None], np.float32(0), raw)
            out_flags[bad] |= Flag.INVALID
            self._network_restarts_next = True
        return self._on_effort_grid(raw, out_flags, chunk)

    def _follow_on(
        self, chunk: AlignedChunk
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint8]]:
        """Join the chunk to the stream: bridge a short gap before it, or start afresh."""
        missing = 0 if self._next_input is None else chunk.grid_index - self._next_input
        if missing < 0 or missing > self._bridge or self._network_restarts_next:
            self.counts.resets += 1
            self._begin()
            missing = 0
        if self._next_input is None:
            self._next_output = chunk.grid_index
        pose, keys, flags = chunk.pose, chunk.keys, chunk.flags
        if missing:
            self.counts.bridged += missing
            pose = np.concatenate([np.repeat(self._last_pose[None], missing, axis=0), pose])
            keys = np.concatenate([np.repeat(self._last_keys[None], missing, axis=0), keys])
            flags = np.concatenate([np.full(missing, Flag.HELD, np.uint8), flags])
        self._next_input = chunk.grid_index + len(chunk)
        self._last_pose, self._last_keys = pose[-1], keys[-1]
        return pose, keys, flags

    def _output_flags(self, count: int) -> NDArray[np.uint8]:
        """Flags of the next outputs: of their own instant and of the newest input they used."""
        ahead = self.card.lookahead
        flags = self._flags[:count] | self._flags[ahead : ahead + count]
        self._flags = self._flags[count:]
        cold = min(count, self._cold)
        flags[:cold] |= Flag.WARMING_UP
        self._cold -= cold
        flags[(flags & self._causes) != 0] |= Flag.INVALID
        return flags

    def _on_effort_grid(
        self, raw: NDArray[np.float32], flags: NDArray[np.uint8], chunk: AlignedChunk
    ) -> EffortChunk | None:
        first, effort, effort_flags = self._clock.push(self._next_output, raw, flags)
        self._next_output += len(raw)
        if self._last_output is not None and first <= self._last_output < first + len(effort):
            # A restart may overlap what was already given: no instant is given twice.
            skip = self._last_output + 1 - first
            first, effort, effort_flags = first + skip, effort[skip:], effort_flags[skip:]
        if not len(effort):
            return None
        self._last_output = first + len(effort) - 1
        result = EffortChunk(
            stamp_ns=self._clock.output.stamp_ns(first),
            first_index=self._emitted,
            effort=self._gate.apply(effort, effort_flags),
            flags=effort_flags,
            trace=chunk.trace,
        )
        self._emitted += len(effort)
        return result

    def _begin(self) -> None:
        self._network.reset()
        self._clock.reset()
        self._cold = self._warm_up
        self._flags = np.zeros(0, np.uint8)
        self._next_input: int | None = None
        self._next_output = 0
        self._network_restarts_next = False


def invalid_causes(inputs: tuple[str, ...]) -> Flag:
    """Flags that make effort invalid for a model that uses these inputs."""
    causes = Flag.WARMING_UP | Flag.INVALID
    if "pose" in inputs:
        causes |= Flag.POSE_LOST
    if "keys" in inputs:
        causes |= Flag.KEYS_MISSING
    return causes
