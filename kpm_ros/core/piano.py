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

"""The usual piano: which of MIDI's notes its keys are."""

FIRST_NOTE = 21
"""MIDI number of a piano's lowest key, A0."""
PIANO_KEYS = 88
MIDDLE_C = 60
OCTAVE = 12
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def note_name(note: int) -> str:
    """Name a MIDI note as players do: C4 is middle C."""
    return f"{_NAMES[note % OCTAVE]}{note // OCTAVE - 1}"
