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

"""Maximum voluntary contraction: the envelope of each muscle at its strongest, kept per person."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import atomic_file
from kpm_ros.core.foreign_files import reading
from kpm_ros.core.foreign_yaml import read_yaml
from kpm_ros.sense.samples import ChannelChunk

HELD_S = 0.5
"""The contraction counts that is held for so long: a twitch is no strength."""
SHORTEST_S = 1.0
"""A shorter recording says nothing."""
DEAD_PART = 1e-3
"""A channel whose strongest is below this part of the others' has seen no muscle."""
_PRIVATE = 0o600
"""How strong a person is, other users of the machine need not know."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class MvcError(ValueError):
    """A maximum that cannot be recorded or used, said in a sentence for the user."""


@dataclass(frozen=True)
class Mvc:
    """One person's maxima."""

    person: str
    envelope: str
    """Settings of the envelope that was recorded: another envelope has other maxima."""
    unit: str
    channels: dict[str, float]

    def of(self, channels: tuple[str, ...], envelope: str, unit: str) -> NDArray[np.float64]:
        """Maxima in the order of an amplifier's channels; an MvcError says why there are none."""
        missing = [name for name in channels if name not in self.channels]
        if missing:
            raise MvcError(
                f"{self.person}'s maxima lack the channels {', '.join(missing)}: record them again"
            )
        if envelope != self.envelope:
            raise MvcError(
                f"{self.person}'s maxima were recorded with another envelope ({self.envelope}): "
                "record them again"
            )
        if unit != self.unit:
            raise MvcError(
                f"{self.person}'s maxima are in {self.unit}, but the samples in {unit}: "
                "record them again"
            )
        return np.array([self.channels[name] for name in channels])


class MvcRecorder:
    """Watches an envelope for the strongest contraction of each channel."""

    def __init__(self) -> None:
        """Begin without a sample."""
        self._begin()

    def _begin(self) -> None:
        self._window: deque[NDArray[np.float64]] = deque()
        self._sum: NDArray[np.float64] | None = None
        self._highest: NDArray[np.float64] | None = None
        self._about: ChannelChunk | None = None
        self._count = 0

    def push_chunk(self, chunk: ChannelChunk) -> None:
        """Take in envelope in the unit of the samples."""
        if self._about is not None and chunk.channels != self._about.channels:
            self._begin()
        self._about = chunk
        length = max(round(HELD_S * chunk.rate_hz), 1)
        for sample in chunk.samples.astype(np.float64):
            self._window.append(sample)
            self._sum = sample.copy() if self._sum is None else self._sum + sample
            if len(self._window) > length:
                self._sum = self._sum - self._window.popleft()
            if len(self._window) == length:
                mean = self._sum / length
                self._highest = mean if self._highest is None else np.maximum(self._highest, mean)
        self._count += len(chunk.samples)

    @property
    def strongest(self) -> dict[str, float]:
        """The strongest contraction of each channel so far; empty before one could be held."""
        if self._about is None or self._highest is None:
            return {}
        held = zip(self._about.channels, self._highest, strict=True)
        return {name: float(f"{value:.6g}") for name, value in held}

    def finish(self, person: str, envelope: str) -> Mvc:
        """The maxima; an MvcError says why the recording is of no use."""
        values = self.strongest
        if self._about is None or not values:
            raise MvcError("no EMG came during the recording: see that the amplifier sends")
        seconds = self._count / self._about.rate_hz
        if seconds < SHORTEST_S:
            raise MvcError(
                f"the recording lasted {seconds:.1f} s, but needs {SHORTEST_S:g} s or more"
            )
        least = DEAD_PART * max(values.values())
        dead = [name for name, value in values.items() if not value > least]
        if dead:
            raise MvcError(f"nothing was seen on {', '.join(dead)}: see to the electrodes")
        return Mvc(person, envelope, self._about.unit, values)


class MvcFolder:
    """Keeps one YAML file for each person."""

    def __init__(self, folder: str | Path) -> None:
        """Note the folder; it is made with the first file."""
        self.folder = Path(folder).expanduser()

    def path(self, person: str) -> Path:
        """File of one person; a name that cannot be a file's is an MvcError."""
        if not _NAME.fullmatch(person):
            raise MvcError(f"person is {person!r}, but must be a name of letters, digits, - and _")
        return self.folder / f"{person}.yaml"

    def save(self, mvc: Mvc) -> Path:
        """Write one person's maxima, in place of what was there."""
        path = self.path(mvc.person)
        content = {
            "person": mvc.person,
            "unit": mvc.unit,
            "envelope": mvc.envelope,
            "channels": mvc.channels,
        }
        try:
            with atomic_file(path, mode=_PRIVATE) as file:
                yaml.safe_dump(content, file, sort_keys=False, allow_unicode=True, encoding="utf-8")
        except OSError as error:
            raise MvcError(f"{path} cannot be written: {error.strerror}") from None
        return path

    def load(self, person: str) -> Mvc | None:
        """Read one person's maxima; None if none were recorded, an MvcError if they are broken."""
        path = self.path(person)
        with reading(path, "maxima", MvcError):
            if not path.exists():
                return None
            content = read_yaml(path)
        try:
            channels = {str(name): float(value) for name, value in content["channels"].items()}
            mvc = Mvc(person, str(content["envelope"]), str(content["unit"]), channels)
        except (TypeError, KeyError, AttributeError, ValueError, OverflowError):
            raise MvcError(f"{path} holds no maxima: record them again") from None
        if not all(np.isfinite(value) and value > 0 for value in channels.values()):
            raise MvcError(f"{path} holds a maximum that is not above 0: record them again")
        return mvc
