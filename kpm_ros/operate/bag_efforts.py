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

"""Effort of a bag: as it was recorded, and as models make it again."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TypeVar

from kpm_ros.core.chunks import Trace
from kpm_ros.core.foreign_files import printable
from kpm_ros.learn.importing.emg_truth import EmgRules, EmgTruth
from kpm_ros.learn.reports.shown import KeyDown
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.picture_sources import labels_of
from kpm_ros.operate.replay_choices import Choices
from kpm_ros.operate.replay_run import ReplayRun
from kpm_ros.replay.bag_notes import read_notes
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.effort import Effort, load_npz, read_effort
from kpm_ros.replay.measured_emg import measured_emg
from kpm_ros.replay.topics import EFFORT, EFFORT_CHUNK, EFFORT_INFO, TopicFinder
from kpm_ros.sense.midi.score import Score
from kpm_ros.wire import decode

AnyBag = TypeVar("AnyBag", bound="BagEfforts")


class ModelFacts(NamedTuple):
    """What is known of a model that made effort."""

    description: str
    inputs: tuple[str, ...]
    lookahead_s: float
    trained_on: str


class BagEfforts:
    """One bag; use it in a `with` block."""

    def __init__(self, path: Path, namespace: str) -> None:
        """Open it, and read what its effort is."""
        self._path, self._namespace = path, namespace
        self._stack = ExitStack()
        self._bag = self._stack.enter_context(BagReader(path))
        self._finder = TopicFinder(self._bag, namespace)
        self.facts = self._bag.facts
        self.muscles: tuple[str, ...] = ()
        self.unit = ""
        self.models: dict[str, ModelFacts] = {}
        """By the name under which its effort is given."""
        self._model = "recorded effort"
        topic = self._finder.find(EFFORT_INFO)
        for message in self._bag.messages([topic]) if topic else ():
            info = self._bag.decode(message)
            self.muscles = tuple(printable(str(name)) for name in info.muscles)
            self.unit, self._model = printable(str(info.unit)), printable(str(info.model))
            self.models[self._model] = ModelFacts(
                "effort as it was recorded",
                tuple(printable(str(name)) for name in info.streams),
                float(info.lookahead_s),
                printable(str(info.trained_on)),
            )

    @property
    def trained_on_simulated(self) -> bool:
        """Whether a model whose effort was given says so of what it was trained on."""
        return any("simulated" in one.trained_on.casefold() for one in self.models.values())

    def __enter__(self: AnyBag) -> AnyBag:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def recorded(self) -> dict[str, Effort]:
        """Give the recorded effort by its model's name; nothing where there is none."""
        topic = self._finder.find(EFFORT_CHUNK) or self._finder.find(EFFORT)
        if not topic or not self._bag.counts[topic]:
            return {}
        if not self.muscles:
            raise UserError(
                f"the bag {self._path} holds effort without an EffortInfo that says of which "
                "muscles"
            )
        return {self._model: read_effort(self._bag, self._finder, len(self.muscles))}

    def replayed(self, models: Sequence[str]) -> dict[str, Effort]:
        """Run models over the bag, as `kpm replay` does."""
        return {name: self._replayed(name, word) for name, word in labels_of(models).items()}

    def efforts(self, models: Sequence[str]) -> dict[str, Effort]:
        """Give the recorded effort, if there is any, and that of each model replayed."""
        found = self.recorded()
        for name, word in labels_of(models).items():
            label = f"{name}, replayed" if name in found else name
            found[label] = self._replayed(label, word)
        return {name: effort for name, effort in found.items() if len(effort)}

    def measured(self, rules: EmgRules) -> EmgTruth:
        """Give effort as the EMG that was recorded beside it has it."""
        return measured_emg(self._bag, self._finder, rules)

    def traces(self) -> list[Trace]:
        """Give the latency traces of the recorded effort's chunks."""
        topic = self._finder.find(EFFORT_CHUNK)
        messages = self._bag.messages([topic]) if topic else ()
        return [decode.effort_chunk(self._bag.decode(message)).trace for message in messages]

    def keys_down(self, begin_ns: int, start_s: float, end_s: float) -> tuple[KeyDown, ...]:
        """List the keys that were held within a stretch, its times counted from `begin_ns`."""
        return tuple(
            KeyDown(note.pitch, max(note.onset_s, start_s), min(note.end_s, end_s))
            for note in self.played(begin_ns).notes
            if note.onset_s < end_s and note.end_s > start_s
        )

    def played(self, begin_ns: int) -> Score:
        """Give the notes that were played, their times counted from `begin_ns`."""
        return read_notes(self._bag, self._finder, begin_ns, printable(self._path.stem))

    def _replayed(self, label: str, word: str) -> Effort:
        with tempfile.TemporaryDirectory(prefix="kpm_effort_") as folder:
            out = Path(folder) / "effort.npz"
            replay = ReplayRun(
                Choices(bag=self._path, model=word, namespace=self._namespace, out=out)
            )
            try:
                replay.run()
                replay.save()
                card = replay.card
            finally:
                replay.close()
            if self.muscles and card.muscles != self.muscles:
                raise UserError(
                    f"{word} estimates {', '.join(card.muscles)}, and the bag's effort is of "
                    f"{', '.join(self.muscles)}: they cannot stand side by side"
                )
            self.muscles, self.unit = card.muscles, card.unit
            senses = tuple(card.streams.senses)
            about = "effort made again of what the senses recorded"
            self.models[label] = ModelFacts(about, senses, card.lookahead_s, card.trained_on)
            return load_npz(out)
