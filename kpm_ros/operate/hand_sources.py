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

"""Where a movement of hands comes from: a file of this package's, landmarks, or a bag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kpm_ros.core.registration import Registration
from kpm_ros.core.sides import RIGHT
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.sense.midi.score import Score, read_midi

if TYPE_CHECKING:
    from kpm_ros.core.hand_motion import HandMotion

KINDS = "a movement (.npz), landmarks (.csv or .npz), or a bag"


class HandSource(NamedTuple):
    """A movement, and the notes that were played with it."""

    motion: HandMotion
    score: Score
    """On the movement's clock; without notes where none are known."""


def open_hands(
    path: Path,
    *,
    hand: str = "",
    registration: str = "",
    namespace: str = "",
    midi: str = "",
    midi_offset_s: float = 0.0,
    progress: Callable[[int], None] = lambda now_ns: None,
) -> HandSource:
    """Open what a user has named; what cannot be used is refused in a sentence.

    A MIDI file's notes stand in place of a bag's own; its beginning is `midi_offset_s` on the
    movement's clock.
    """
    from kpm_ros.motion.landmark_files import SUFFIXES, read_motion
    from kpm_ros.replay.bag import BagError
    from kpm_ros.replay.bag_file import is_bag
    from kpm_ros.replay.bag_hands import read_hands

    path = path.expanduser()
    if not path.exists():
        raise UserError(f"{path} is not there: give {KINDS}")
    with user_errors():
        if is_bag(path):
            known = Registration.read(Path(registration).expanduser()) if registration else None
            try:
                found = read_hands(path, namespace, hand, known, progress)
            except BagError as error:
                raise UserError(str(error)) from None
            source = HandSource(found.motion, found.score)
        elif path.suffix in SUFFIXES:
            source = HandSource(_only(read_motion(path, hand or RIGHT), hand), Score(()))
        else:
            raise UserError(f"{path} is none of these: {KINDS}")
        if midi:
            source = source._replace(score=read_midi(midi).later(midi_offset_s))
    return source


def _only(motion: HandMotion, hand: str) -> HandMotion:
    """Keep the hand that is asked for, if one is."""
    if hand not in motion.hands or len(motion.hands) == 1:
        return motion
    return replace(motion, hands={hand: motion.hands[hand]})
