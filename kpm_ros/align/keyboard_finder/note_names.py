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

"""Which notes the keys in a picture are: known from both ends, or from what somebody says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kpm_ros.align.keyboard_finder.camera_fit import Fit
from kpm_ros.align.keyboard_finder.extent import layout
from kpm_ros.align.keyboard_finder.finder import FoundKeyboard, NoKeyboardError, octaves_moved
from kpm_ros.core.keyboard import Keyboard
from kpm_ros.core.piano import OCTAVE


class UnknownOctaveError(NoKeyboardError):
    """A keyboard was found, but not in which octave it is."""


@dataclass(frozen=True)
class Piano:
    """What somebody says of a piano; None where nothing was said."""

    keys: int | None = None
    first_note: int | None = None
    leftmost_c: int | None = None
    """Note of the leftmost C that is whole in the picture."""


def with_notes(found: FoundKeyboard, said: Piano) -> Fit:
    """Give the keys their notes; UnknownOctaveError where they cannot be known."""
    fit, ends = found.fit, found.ends
    seen = fit.keyboard
    if said.leftmost_c is not None:
        first = next((note for note in seen.notes if note % OCTAVE == 0), None)
        if first is None or said.leftmost_c % OCTAVE:
            raise UnknownOctaveError(
                f"--leftmost-c is {said.leftmost_c}, but must be the MIDI note of a C in the "
                "picture, such as 60"
            )
        off = said.leftmost_c - first
    elif said.keys is not None and said.first_note is not None and (ends.left or ends.right):
        last = said.first_note + said.keys - 1
        off = said.first_note - seen.notes[0] if ends.left else last - seen.notes[-1]
        if off % OCTAVE:
            raise NoKeyboardError(
                f"the keyboard in the picture does not {'begin' if ends.left else 'end'} as one of "
                f"{said.keys} keys from note {said.first_note} on does"
            )
    elif ends.left and ends.right and (usual := layout(seen)) is not None:
        off = usual - seen.first_note
    elif ends.left and ends.right:
        raise UnknownOctaveError(
            f"the keyboard has {seen.keys} keys, which is no usual number: say which with "
            "--first-note and --keys"
        )
    else:
        raise UnknownOctaveError(
            "only a part of the keyboard is seen, so its octave is not known: say which note the "
            "leftmost C in the picture is with --leftmost-c, or name both --keys and --first-note "
            "where an end is seen, or give a recording of playing with --from"
        )
    moved = octaves_moved(fit, off // OCTAVE)
    check_range(moved.keyboard, said)
    return moved


def check_range(seen: Keyboard, said: Piano) -> None:
    """Refuse keys that the piano does not have."""
    first = said.first_note if said.first_note is not None else 0
    last = first + said.keys - 1 if said.keys is not None and said.first_note is not None else 127
    if seen.notes[0] < first or seen.notes[-1] > last:
        raise NoKeyboardError(
            f"the keys in the picture would be notes {seen.notes[0]} to {seen.notes[-1]}, but the "
            f"piano has {first} to {last}"
        )


def as_piano(seen: Keyboard, said: Piano) -> Keyboard:
    """Give the whole piano's keys, with the measures that were seen."""
    if said.keys is not None and said.first_note is not None:
        return replace(seen, first_note=said.first_note, keys=said.keys)
    return seen
