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

"""The notes of a bag, out of its key events."""

from __future__ import annotations

from typing import Any

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import KEY_EVENT, TopicFinder
from kpm_ros.sense.midi.score import SHORTEST_NOTE_S, Note, Score
from kpm_ros.sense.samples import KeyEvent, KeyEventKind
from kpm_ros.wire import decode


def read_notes(bag: BagReader, finder: TopicFinder, start_ns: int, name: str) -> Score:
    """Pair a bag's note events, on a clock that begins at an instant; the last of them ends all."""
    topic = finder.find(KEY_EVENT)
    notes: list[Note] = []
    down: dict[int, tuple[float, int]] = {}

    def end(note: int, now_s: float) -> None:
        if note in down:
            onset_s, velocity = down.pop(note)
            notes.append(Note(onset_s, max(now_s - onset_s, SHORTEST_NOTE_S), note, velocity))

    now_s = 0.0
    for message in bag.messages([topic]) if topic else ():
        event = _event(bag, message)
        if event is None:
            continue
        now_s = (event.stamp_ns - start_ns) / NS_PER_S
        if event.kind == KeyEventKind.NOTE_ON:
            end(event.note, now_s)
            down[event.note] = (now_s, event.velocity)
        elif event.kind == KeyEventKind.NOTE_OFF:
            end(event.note, now_s)
        elif event.kind == KeyEventKind.ALL_NOTES_OFF:
            for note in list(down):
                end(note, now_s)
    for note in list(down):
        end(note, now_s)
    return Score.of(notes, name=name)


def _event(bag: BagReader, message: Any) -> KeyEvent | None:
    try:
        return decode.key_event(bag.decode(message))
    except decode.RefusedMessageError:
        return None
