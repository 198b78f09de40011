# Copyright 2026 The kpm_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""True effort out of measured EMG: the envelope as the live pipeline makes it, masked where unfit.

What an electrode says while it is dead, clipped or loose is not known, nor is what was lost, or
what a filter says before it has settled. Nothing of it is bridged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.recordings.recording import RecordingError, Truth
from kpm_ros.sense.emg.channel_health import ChannelHealth, ChannelState, HealthConfig
from kpm_ros.sense.emg.envelope import Envelope
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.emg.mvc import Mvc
from kpm_ros.sense.emg.personal_envelope import MVC_UNIT
from kpm_ros.sense.samples import ChannelChunk

RATE_HZ = 100.0
"""Of the effort: an envelope that follows movements of 6 Hz has nothing faster in it."""
SETTLED_S = 0.5
"""So long after a filter has begun anew, its envelope is not believed."""
JUDGED_S = 0.5
"""In less, an electrode cannot be judged."""
OVER_MVC, LOUD_REST = 1.2, 0.2
"""Playing that reaches so much of the maximum says that it was none; rest should be below this."""
_LOUD = 99.0


@dataclass(frozen=True, kw_only=True)
class EmgRules:
    """How EMG becomes effort."""

    envelope: EnvelopeConfig = field(default_factory=EnvelopeConfig)
    rate_hz: float = RATE_HZ
    mvc: Mvc | None = None
    """Maxima that the envelope is divided by; None to leave it in the amplifier's unit."""
    resting: Mapping[str, float] = field(default_factory=dict)
    """Envelope of each channel at rest, to be compared with the maxima."""
    ill: Mapping[str, str] = field(default_factory=dict)
    """Channels of which nothing is to be used, and why."""


class EmgTruth(NamedTuple):
    """Effort on a grid of the host's clock, and what was said of it."""

    truth: Truth
    start_ns: int
    """Of the first sample."""
    said: tuple[str, ...]

    @property
    def stamps_ns(self) -> NDArray[np.int64]:
        """When each sample was measured."""
        at = np.arange(len(self.truth.values)) * (NS_PER_S / self.truth.rate_hz)
        return self.start_ns + at.astype(np.int64)


def truth_of(
    chunks: Sequence[ChannelChunk], rules: EmgRules, *, is_envelope: bool = False
) -> EmgTruth:
    """Make effort of an amplifier's chunks, or of the envelope of one, in the order of samples."""
    if not chunks:
        raise RecordingError("it holds no EMG, so nothing is known of its effort")
    channels = chunks[0].channels
    alike = [one for one in chunks if one.channels == channels and len(one.samples)]
    said = []
    if len(alike) < len(chunks):
        said.append(f"{len(chunks) - len(alike)} chunks of EMG with other channels were left out")
    config = rules.envelope
    rectified = not is_envelope and _rectified(alike)
    if rectified:
        config = replace(config, low_hz=0.0, high_hz=0.0, notch_hz=0.0)
        said.append(
            "the EMG was rectified already: it is smoothed, and not band-passed any more, so its "
            "envelope holds what lay below the band as well"
        )
    if is_envelope:
        stamps_ns, values = _together(alike)
        still = np.ptp(values, axis=0) == 0
        values = np.where(still, np.float32(np.nan), values)
        said += [f"{name} never changed" for name, one in zip(channels, still, strict=True) if one]
        how = "envelope as it was recorded"
    else:
        smooth = [_masked(chunk, config, rectified) for chunk in _whole_windows(alike)]
        stamps_ns, values = _together(_smoothed(smooth, config))
        how = f"envelope: {config.as_words()}"
    if not is_envelope:
        said += _unknown(values, [name for name in channels if name not in rules.ill], channels)
    for name, why in rules.ill.items():
        if name in channels:
            values[:, channels.index(name)] = np.nan
            said.append(f"{name} is not used: {why}")
    unit = chunks[0].unit
    if rules.mvc is not None and unit != MVC_UNIT:
        values, lacking = _normalised(values, channels, rules.mvc)
        said += lacking
        unit, how = MVC_UNIT, f"{how}; divided by the maximum voluntary contraction"
    if unit == MVC_UNIT:
        said += _strange_maxima(values, channels, rules)
    start_ns, effort = _on_grid(stamps_ns, values, rules.rate_hz)
    truth = Truth(channels, unit, rules.rate_hz, effort, 0.0, how)
    return EmgTruth(truth, start_ns, tuple(said))


def strongest(
    chunks: Sequence[ChannelChunk], config: EnvelopeConfig, held_s: float
) -> dict[str, float]:
    """Give each channel's highest envelope that was held for so long."""
    _, values = _together(_smoothed([(one, None) for one in chunks], config))
    length = max(1, round(held_s * chunks[0].rate_hz))
    if len(values) < length:
        raise RecordingError(f"a contraction of {len(values)} samples was held for no {held_s:g} s")
    sums = np.cumsum(np.vstack([np.zeros(values.shape[1]), np.nan_to_num(values)]), axis=0)
    means = (sums[length:] - sums[:-length]) / length
    return dict(zip(chunks[0].channels, means.max(axis=0).tolist(), strict=True))


def _rectified(chunks: Sequence[ChannelChunk]) -> bool:
    """Whether no channel ever goes below zero, though it moves."""
    lowest = np.min([chunk.samples.min(axis=0) for chunk in chunks], axis=0)
    highest = np.max([chunk.samples.max(axis=0) for chunk in chunks], axis=0)
    moving = highest > lowest
    return bool(moving.any() and (lowest[moving] >= 0).all())


Masked = tuple[ChannelChunk, "NDArray[np.bool_] | None"]


def _whole_windows(chunks: Sequence[ChannelChunk]) -> list[ChannelChunk]:
    """Put chunks together that follow each other, as long as electrodes are judged by."""
    found: list[ChannelChunk] = []
    waiting: list[ChannelChunk] = []
    for chunk in chunks:
        last = waiting[-1] if waiting else None
        follows = last is not None and last.first_index + len(last.samples) == chunk.first_index
        held = sum(len(one.samples) for one in waiting)
        if waiting and (not follows or held >= HealthConfig.window_s * chunk.rate_hz):
            found.append(_joined(waiting))
            waiting = []
        waiting.append(chunk)
    return [*found, _joined(waiting)] if waiting else found


def _joined(chunks: Sequence[ChannelChunk]) -> ChannelChunk:
    return replace(chunks[0], samples=np.concatenate([one.samples for one in chunks]))


def _masked(chunk: ChannelChunk, config: EnvelopeConfig, rectified: bool) -> Masked:
    """Judge each electrode in a window; which channels are of no use there.

    A window that is cut short is too short to be judged.
    """
    if len(chunk.samples) < JUDGED_S * chunk.rate_hz:
        return chunk, None
    health = ChannelHealth(HealthConfig(window_s=0.0, mains_hz=config.notch_hz))
    health.push_chunk(chunk)
    bad = {ChannelState.DEAD, ChannelState.SATURATED}
    if not rectified:
        bad.add(ChannelState.DISCONNECTED)
    return chunk, np.array([health.states[name] in bad for name in chunk.channels])


def _smoothed(chunks: Sequence[Masked], config: EnvelopeConfig) -> list[ChannelChunk]:
    """Filter in one go; what is not known becomes NaN afterwards."""
    envelope = Envelope(config)
    found = []
    begun: int | None = None
    restarts = -1
    for chunk, bad in chunks:
        clean = replace(chunk, samples=np.nan_to_num(chunk.samples))
        smooth = envelope.push_chunk(clean)
        if envelope.restarts != restarts:
            begun, restarts = chunk.first_index, envelope.restarts
        values = smooth.samples.copy()
        assert begun is not None
        index = chunk.first_index + np.arange(len(values))
        values[index < begun + SETTLED_S * chunk.rate_hz] = np.nan
        if bad is not None:
            values[:, bad] = np.nan
        values[~np.isfinite(chunk.samples)] = np.nan
        found.append(replace(smooth, samples=values))
    return found


def _together(chunks: Sequence[ChannelChunk]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Stamp every sample; those that go back in time are left out."""
    stamps = [
        one.stamp_ns + np.rint(np.arange(len(one.samples)) * (NS_PER_S / one.rate_hz)).astype(int)
        for one in chunks
    ]
    stamps_ns, values = np.concatenate(stamps), np.concatenate([one.samples for one in chunks])
    newest = np.maximum.accumulate(stamps_ns)
    kept = np.append(True, stamps_ns[1:] > newest[:-1])
    return stamps_ns[kept], values[kept]


def _on_grid(
    stamps_ns: NDArray[np.int64], values: NDArray[np.float32], rate_hz: float
) -> tuple[int, NDArray[np.float32]]:
    """Read lines between neighbouring samples, and nothing across what is missing."""
    start_ns = int(stamps_ns[0])
    own_s = (stamps_ns - start_ns) / NS_PER_S
    at_s = np.arange(int(own_s[-1] * rate_hz) + 1) / rate_hz
    columns = [np.interp(at_s, own_s, column) for column in values.T]
    effort = np.stack(columns, axis=1).astype(np.float32)
    steps = np.diff(own_s, append=own_s[-1])
    usual = float(np.median(steps[:-1])) if len(steps) > 1 else 0.0
    before = np.clip(np.searchsorted(own_s, at_s, side="right") - 1, 0, len(own_s) - 1)
    effort[(steps[before] > 2.5 * usual) & (at_s > own_s[before])] = np.nan
    return start_ns, effort


def _normalised(
    values: NDArray[np.float32], channels: Sequence[str], mvc: Mvc
) -> tuple[NDArray[np.float32], list[str]]:
    most = np.array([mvc.channels.get(name, np.nan) for name in channels])
    lacking = [name for name in channels if name not in mvc.channels]
    said = []
    if lacking:
        said.append(
            f"{', '.join(lacking)}: no maximum contraction of {mvc.person} is known, so the effort "
            "is not either"
        )
    return (values / most).astype(np.float32), said


def _strange_maxima(
    values: NDArray[np.float32], channels: Sequence[str], rules: EmgRules
) -> list[str]:
    said = []
    maxima = {} if rules.mvc is None else rules.mvc.channels
    for column, name in enumerate(channels):
        known = values[:, column][np.isfinite(values[:, column])]
        loud = float(np.percentile(known, _LOUD)) if len(known) else 0.0
        if loud > OVER_MVC:
            said.append(
                f"{name} reaches {loud:.2f} of its maximum contraction, which was none, then: its "
                "scale is too large"
            )
        most = maxima.get(name, np.inf)
        rest = rules.resting.get(name, 0.0) / most
        if rest > LOUD_REST:
            said.append(f"{name} is at {rest:.0%} of its maximum at rest: it measures little else")
    return said


def _unknown(
    values: NDArray[np.float32], judged: Sequence[str], channels: Sequence[str]
) -> list[str]:
    """Say of which channels a part is not known, other than what none knows."""
    gone = np.isnan(values)
    common = gone.all(axis=1)
    said = []
    for name in judged:
        share = gone[~common, channels.index(name)].mean() if (~common).any() else 0.0
        if share > 0:
            said.append(f"{name} was dead, clipped or loose for {share:.1%} of the time")
    return said
