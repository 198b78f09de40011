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

"""How every signal of a recording is: does it come, is it of use, how strong is each muscle.

Nothing here knows who records, or what for. Callers say what time it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.session_file import SignalCheck
from kpm_ros.sense.emg.channel_health import ChannelHealth, ChannelState, HealthConfig
from kpm_ros.sense.emg.envelope import Envelope
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.emg.mvc import MvcRecorder
from kpm_ros.sense.samples import ChannelChunk, LandmarkFrame

NS_PER_S = 1_000_000_000
LOST_S = 1.5
"""A signal of which nothing has come for so long is lost; the slowest camera sends ten times that
often."""
SEEN_ENOUGH = 0.8
"""Part of the pictures in which the hand must have been found."""
ILL_TOO_LONG = 0.2
"""Part of a recording in which a channel may be ill, and still be used."""

EMG, KEYS = "emg/samples", "keys/events"

HOW_TO_MEND = {
    ChannelState.DEAD: "see that its cable is plugged in and its electrode sticks",
    ChannelState.SATURATED: "it clips: lower the amplifier's gain, or clean the skin",
    ChannelState.DISCONNECTED: "its contact is bad, or it hums: clean the skin, press it on, and "
    "see to the reference electrode",
}


@dataclass
class _View:
    """One camera's pictures since the watch began anew."""

    frames: int = 0
    seen: int = 0


@dataclass
class _Emg:
    """EMG since the watch began anew."""

    ill: dict[str, Counter[ChannelState]] = field(default_factory=dict)
    windows: int = 0
    strongest: MvcRecorder = field(default_factory=MvcRecorder)
    levels: list[NDArray[np.float32]] = field(default_factory=list)
    """Mean envelope of each chunk."""


class SignalWatch:
    """Follows the signals without a pause, and judges each stretch of them that is asked for."""

    def __init__(
        self,
        views: Sequence[str],
        *,
        keys: bool = True,
        emg: bool = True,
        health: HealthConfig | None = None,
        envelope: EnvelopeConfig | None = None,
    ) -> None:
        """Expect pictures on these topics, and keys and EMG if they are wanted."""
        self.channels: tuple[str, ...] = ()
        """Of EMG, as they came last."""
        self.unit = ""
        self.notes = 0
        """Keys pressed since the watch began anew."""
        self.views = tuple(views)
        self.signals = (*views, *[KEYS] * keys, *[EMG] * emg)
        self._last_ns: dict[str, int] = {}
        self._health = ChannelHealth(health)
        self._smoother = Envelope(envelope or EnvelopeConfig())
        self._judged = 0.0
        self.begin(0)

    def begin(self, now_ns: int) -> None:
        """Judge what comes from now on."""
        self._began_ns = now_ns
        self.notes = 0
        self._seen = {view: _View() for view in self.views}
        self._emg = _Emg()

    def push_frame(self, topic: str, frame: LandmarkFrame, now_ns: int) -> None:
        """Take in one picture's hand or body."""
        self._last_ns[topic] = now_ns
        view = self._seen[topic]
        view.frames += 1
        view.seen += frame.points is not None

    def push_key_event(self, pressed: bool, now_ns: int) -> None:
        """Take in a sign of life of the piano."""
        self._last_ns[KEYS] = now_ns
        self.notes += pressed

    def push_emg(self, chunk: ChannelChunk, now_ns: int) -> None:
        """Take in raw EMG; a ValueError says why it has no envelope."""
        self._last_ns[EMG] = now_ns
        self.channels, self.unit = chunk.channels, chunk.unit
        self._health.push_chunk(chunk)
        self._judged += len(chunk.samples) / chunk.rate_hz
        if self._judged >= self._health.config.window_s:
            self._judged = 0.0
            self._emg.windows += 1
            for name, state in self._health.ill.items():
                self._emg.ill.setdefault(name, Counter())[state] += 1
        smooth = self._smoother.push_chunk(chunk)
        self._emg.strongest.push_chunk(smooth)
        self._emg.levels.append(smooth.samples.mean(axis=0))

    @property
    def strongest(self) -> dict[str, float]:
        """Envelope of each channel in its strongest half second."""
        return self._emg.strongest.strongest

    @property
    def typical(self) -> dict[str, float]:
        """Median of the envelope of each channel."""
        levels = [each for each in self._emg.levels if len(each) == len(self.channels)]
        medians = np.median(levels, axis=0) if levels else []
        return {name: float(f"{m:.6g}") for name, m in zip(self.channels, medians, strict=False)}

    def lost(self, now_ns: int) -> str:
        """Say which signal does not come any more; empty while all do."""
        for signal in self.signals:
            silent_s = (now_ns - self._last_ns.get(signal, self._began_ns)) / NS_PER_S
            if silent_s > LOST_S:
                return f"nothing has come from {signal} for {silent_s:.1f} s"
        return ""

    def checks(self, now_ns: int) -> tuple[SignalCheck, ...]:
        """Judge every signal since the watch began anew."""
        return tuple(check for signal in self.signals for check in self._checks_of(signal, now_ns))

    def _checks_of(self, signal: str, now_ns: int) -> Iterator[SignalCheck]:
        last_ns = self._last_ns.get(signal)
        if last_ns is None:
            yield SignalCheck(signal, "missing", said=f"nothing comes from {signal}")
        elif now_ns - last_ns > LOST_S * NS_PER_S:
            yield SignalCheck(signal, "lost", said=f"nothing comes from {signal} any more")
        elif signal == EMG:
            yield SignalCheck(signal, "good")
            yield from (self._channel(name) for name in self.channels)
        elif signal == KEYS:
            yield SignalCheck(signal, "good")
        else:
            yield self._view(signal)

    def _view(self, signal: str) -> SignalCheck:
        view = self._seen[signal]
        part = view.seen / max(view.frames, 1)
        if part >= SEEN_ENOUGH:
            return SignalCheck(signal, "good")
        said = (
            f"{signal} has found whom it looks for in {part:.0%} of its pictures: come into sight"
        )
        return SignalCheck(signal, "weak", said=said)

    def _channel(self, name: str) -> SignalCheck:
        ill = self._emg.ill.get(name, Counter())
        if ill.total() <= ILL_TOO_LONG * self._emg.windows:
            return SignalCheck(EMG, "good", name)
        [(state, _)] = ill.most_common(1)
        said = f"EMG channel {name} is {state.value}: {HOW_TO_MEND[state]}"
        return SignalCheck(EMG, _STATES[state], name, said)


_STATES: dict[ChannelState, Literal["dead", "saturated", "disconnected"]] = {
    ChannelState.DEAD: "dead",
    ChannelState.SATURATED: "saturated",
    ChannelState.DISCONNECTED: "disconnected",
}
