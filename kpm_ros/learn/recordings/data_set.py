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

"""A data set: recordings by name, which of them are for what, and where all of it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from kpm_ros.core.streams import Streams
from kpm_ros.learn.recordings.identity import Identity, identify
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording
from kpm_ros.learn.recordings.split_files import Splits
from kpm_ros.models.card import ModelCard


class Store(Protocol):
    """What a reader knows of a data set's files."""

    def recording(self, name: str) -> Recording:
        """Map one recording into memory; a ValueError says what is wrong with its files."""
        ...

    def digest(self, name: str) -> str:
        """Tell the content of a recording's files."""
        ...

    def also_known_as(self, name: str) -> Identity:
        """Digests by which person, task and take are known besides what was recorded of them."""
        ...


@dataclass(frozen=True)
class DataSet:
    """Recordings of the same muscles, with streams of which each may lack some."""

    root: Path
    layout: str
    """What its reader is called."""
    streams: Streams
    muscles: tuple[str, ...]
    unit: str
    rate_hz: float
    """Of the true effort."""
    splits: Splits
    split_file: str
    """Where they were read."""
    simulated: bool
    """Whether the data set says of itself that it is simulated."""
    description: str
    """What it says of itself, in a line."""
    store: Store = field(repr=False)
    licence: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Recordings that its reader found but cannot use, with a sentence that says why."""
    whole: DataSet | None = field(default=None, repr=False)
    """The data set that this is a part of."""

    def part(self, splits: Splits) -> DataSet:
        """Take only some recordings; who they are of is still told by all."""
        return replace(self, splits=splits, whole=self.whole or self)

    @property
    def names(self) -> tuple[str, ...]:
        """All recordings of any split."""
        return tuple(dict.fromkeys(name for names in self.splits.values() for name in names))

    @property
    def left_out_sentence(self) -> str:
        """Say how many recordings cannot be used, and how to see why; "" where all can."""
        if not self.left_out:
            return ""
        some = "1 recording" if len(self.left_out) == 1 else f"{len(self.left_out)} recordings"
        return f"left out {some} that cannot be used: `kpm dataset {self.root}` says why"

    @property
    def grid_rate_hz(self) -> int:
        """The rate of the grid that models of it run on unless another is asked for."""
        return max(1, round(self.rate_hz))

    def recording(self, name: str) -> Recording:
        """Map one recording into memory; a ValueError says what is wrong with its files."""
        return self.store.recording(name)

    def on_grid(self, names: Sequence[str], card: ModelCard) -> list[GridRecording]:
        """Give recordings as a model of this card is given them."""
        return [GridRecording.of(self.recording(name), card) for name in names]

    @cached_property
    def fingerprint(self) -> str:
        """Digest of everything in the splits and their files, the same wherever they lie.

        Reads every file that was not read before.
        """
        digest = hashlib.sha256()
        about = [self.splits, self.streams.as_plain(), self.muscles, self.unit, self.rate_hz]
        digest.update(json.dumps(about, sort_keys=True).encode())
        for name in sorted(self.names):
            digest.update(json.dumps([name, self.store.digest(name)]).encode())
        return digest.hexdigest()

    @cached_property
    def identities(self) -> dict[str, Identity]:
        """Whose each recording is and what is done in it, known in any folder."""
        if self.whole:
            return self.whole.identities
        return identify(
            {name: (self.recording(name), self.store.also_known_as(name)) for name in self.names}
        )
