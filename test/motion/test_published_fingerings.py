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

from __future__ import annotations

from pathlib import Path

import pytest

from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.motion.published_fingerings import read_fingering, read_fingerings
from kpm_ros.motion.scores.fingering_match import match_fingerings

PUBLISHED = Path(__file__).parents[3] / "shared/data/fingering"
PAGE = """% abcDidactyl v5
% abcD fingering 1: 1231x&21@54321&12
% abcD fingering 2: 12312&21@x
X:1
K:Dmaj clef=treble octave=0
V:1 treble
V:2 bass octave=-1
V:1
L:1/16
"^up"DEF=c|c4:|_B,d4|]
V:2
DEFG[K:clef=treble octave=-2] a4|DF,4|
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "page.abcd"
    path.write_text(text)
    return path


def test_notes_follow_key_accidentals_bars_and_clefs(tmp_path: Path) -> None:
    page = read_fingering(written(tmp_path, PAGE))
    # F and C are sharp; a natural counts to the bar's end, in its octave only.
    assert page.phrases["right"] == ((62, 64, 66, 72, 73), (58, 74))
    assert page.phrases["left"] == ((50, 52, 54, 55, 57), (38, 30))
    assert page.fingers["right"] == (((1, 2, 3, 1, 0), (2, 1)), ((1, 2, 3, 1, 2), (2, 1)))
    assert page.fingers["left"] == (((5, 4, 3, 2, 1), (1, 2)),)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("1231x&21", "1231x", "5 fingers for 7 notes"),
        ("1231x", "123-x", "only 1 to 5 and x"),
        ("DEF=c", "DEF(3c", "none of notes, bars and keys"),
        ("K:Dmaj", "X:2", "must have a key"),
        ("DEFG[", "DE,,,,,G[", "no piano has"),
    ],
)
def test_a_page_that_is_not_understood_is_refused_in_a_sentence(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    with pytest.raises(ForeignFileError, match=sentence):
        read_fingering(written(tmp_path, PAGE.replace(old, new, 1)))


def test_match_is_of_the_notes_with_a_finger_and_of_the_nearest_print(tmp_path: Path) -> None:
    page = read_fingering(written(tmp_path, PAGE))
    found = match_fingerings([page], lambda _side, notes: [1, 2, 3, 1, 2][: len(notes)])
    assert found["right"].usual == (4, 6)
    assert found["right"].any_printed == (5, 7)
    assert found["left"].usual.notes == 7


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published fingerings are not here")
def test_every_published_scale_and_arpeggio_is_read() -> None:
    pages = {kind: read_fingerings(PUBLISHED / kind) for kind in ("scales", "arpeggios")}
    assert {kind: len(found) for kind, found in pages.items()} == {"scales": 12, "arpeggios": 48}
    [c_major] = [page for page in pages["scales"] if page.name == "c_major"]
    assert c_major.phrases["right"][0][:8] == (60, 62, 64, 65, 67, 69, 71, 72)
    assert c_major.fingers["left"][0][0][:8] == (5, 4, 3, 2, 1, 3, 2, 1)
