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

"""Data sets of two hands that play, which everybody can have. Everything is SIMULATED.

NAME.npz  NAME.mid    a movement (`core.hand_motion`) and its notes, a track a hand
train.txt  valid.txt  test.txt    names, one a line; in each, other people play other pieces
published/            the same as PianoMotion10M is laid out, if that is asked for
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import ForeignFileError, read_json, reading
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.core.settings import check_number
from kpm_ros.motion.generation import Performed, perform
from kpm_ros.motion.published_camera import as_seen
from kpm_ros.motion.published_layout import (
    RATE_HZ,
    SPLITS,
    PublishedClip,
    add_to_split,
    write_annotation,
)
from kpm_ros.sense.midi.score import Score, read_voices
from kpm_ros.sense.midi.score_writer import midi_of
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.left_hand import mirrored_score
from kpm_ros.simulate.person import Person

GENERATOR = 2
"""Goes up whenever the same request gives other data."""
STUDY_S = 60.0
CLIP_S, CLIP_STEP_S = 30.0, 24.0
"""Of the published layout."""
_SHARES = {"train": 0.6, "valid": 0.2, "test": 0.2}
_LEFT = 0x1EF7
_ABOUT = "about.json"


class TwoHandPart(NamedTuple):
    """One performance of a data set."""

    stem: str
    split: str
    pianist: int
    piece: int
    """Which of the files, or the number of a study."""


@dataclass(frozen=True)
class TwoHandRelease:
    """A request for performances: each split has pianists, and pieces, of its own."""

    hours: float
    pianists: int = 20
    seed: int = 2
    midi: tuple[Path, ...] = ()
    """Pieces; without any, studies are made up."""
    published: bool = False
    """Whether PianoMotion10M's layout is written, too."""

    def __post_init__(self) -> None:
        """Refuse what makes no three splits."""
        check_number("hours", self.hours, least=0.001, most=1000.0)
        check_number("pianists", self.pianists, least=3, most=10000, whole=True)
        if 0 < len(self.midi) < len(SPLITS):
            raise ValueError(
                f"{len(self.midi)} MIDI file(s) make no pieces for train, valid and test: give at "
                "least 3, or none for studies that are made up"
            )

    def open(self, root: Path) -> None:
        """Make the folder ready, or go on in one that was begun alike."""
        path = root / _ABOUT
        if path.exists():
            with reading(path, "what a data set was made by"):
                if read_json(path) != self._about():
                    raise ForeignFileError(
                        f"{root} was begun with other arguments: give the same ones to go on with "
                        "it, or choose an empty folder"
                    )
        elif root.exists() and any(root.iterdir()):
            raise ForeignFileError(f"{root} holds something else: choose an empty folder")
        else:
            write_atomically(path, json.dumps(self._about(), indent=2).encode())

    def parts(self) -> list[TwoHandPart]:
        """List all performances."""
        return [part for split in SPLITS for part in self._of(split)]

    def make(self, part: TwoHandPart, root: Path) -> bool:
        """Let one pianist play one piece, unless that is there."""
        path = root / f"{part.stem}.npz"
        if path.exists():
            return False
        performed = self.perform(part)
        motion = replace(performed.motion(RATE_HZ), title=part.stem)
        left = mirrored_score(performed.hands.left.seen.score)
        notes = midi_of([performed.hands.right.score, left])
        write_atomically(path.with_suffix(".mid"), notes)
        if self.published:
            _write_published(root / "published", part, motion, notes)
        motion.save(path)
        return True

    def finish(self, root: Path) -> None:
        """Write which performance is of which split."""
        for split in SPLITS:
            names = [part.stem for part in self._of(split)]
            write_atomically(root / f"{split}.txt", "".join(f"{n}\n" for n in names).encode())
            for part in self._of(split) if self.published else ():
                add_to_split(root / "published", split, _person(part), part.stem)

    def perform(self, part: TwoHandPart) -> Performed:
        """Play one performance."""
        person = Person.from_seed(1000 * self.seed + part.pianist)
        return perform(self._piece(part.piece), person, seed=part.pianist)

    def _of(self, split: str) -> Iterator[TwoHandPart]:
        """Let pianists and pieces of a split take turns until there is enough."""
        place = SPLITS.index(split)
        pianists = _share(self.pianists, place)
        pieces = _share(len(self.midi), place) if self.midi else None
        wanted_s, made_s, number = self.hours * 3600 * _SHARES[split], 0.0, 0
        while made_s < wanted_s:
            piece = pieces[number % len(pieces)] if pieces else 3 * number + place
            pianist = pianists[number % len(pianists)]
            yield TwoHandPart(f"{split}_{number:04d}", split, pianist, piece)
            made_s += self._length_s(piece)
            number += 1

    def _piece(self, piece: int) -> list[Score]:
        if self.midi:
            return read_voices(self.midi[piece])
        return two_hand_study(1000 * self.seed + piece)

    def _length_s(self, piece: int) -> float:
        return max(1.0, self._piece(piece)[0].duration_s) if self.midi else STUDY_S

    def _about(self) -> dict[str, object]:
        return {
            "simulated": True,
            "what": "SIMULATED performances of two hands: no person played them",
            "generator": GENERATOR,
            "hours": self.hours,
            "pianists": self.pianists,
            "seed": self.seed,
            "midi": [str(path) for path in self.midi],
            "published": self.published,
        }


def two_hand_study(seed: int, seconds: float = STUDY_S) -> list[Score]:
    """Make up a piece of scales, chords, leaps and trills for each hand, the right one's first."""
    right = random_study(seed, seconds)
    left = mirrored_score(random_study(seed ^ _LEFT, seconds))
    return [replace(right, name=f"study {seed} for two hands"), left]


def _share(count: int, place: int) -> list[int]:
    """Numbers of one split's pianists or pieces: at least one, and three fifths to train on."""
    held = max(1, count // 5)
    bounds = [0, count - 2 * held, count - held, count]
    return list(range(bounds[place], bounds[place + 1]))


def _person(part: TwoHandPart) -> str:
    return f"pianist_{part.pianist:04d}"


def _write_published(root: Path, part: TwoHandPart, motion: HandMotion, notes: bytes) -> None:
    """Write clips as PianoMotion10M's, seen by the published camera above the keys."""
    write_atomically(root / "midi" / _person(part) / f"{part.stem}.mid", notes)
    seen = as_seen(motion.cut(0.0, math.inf))
    last_s = max(seen.duration_s - CLIP_S, 0.0)
    for number in range(1 + math.ceil(last_s / CLIP_STEP_S)):
        from_s = min(number * CLIP_STEP_S, last_s)
        name = f"{part.stem}_seq_{number:04d}"
        clip = PublishedClip(root, _person(part), part.stem, name)
        write_annotation(clip, seen.cut(from_s, from_s + CLIP_S))
