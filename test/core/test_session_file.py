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

"""Sessions on disk: written, read back, gone on with, refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.core.session_file import FILE, Session, SignalCheck, Step, check_person

STEPS = (
    Step("rest", "rest", 10.0, "Let the hand lie."),
    Step("mvc", "mvc", 5.0, "Spread the index finger.", muscle="1DI (left)"),
    Step("task", "scales", 30.0, "Play scales.", repetition=2),
)
SESSION = Session(
    "P07", "piano", STEPS, channels=("1DI (left)", "ADM"), parameters={"emg": {"a": 1.5}}
)


def test_a_session_is_read_as_it_was_written(tmp_path: Path) -> None:
    dead = SignalCheck("emg/samples", "dead", "ADM", "ADM is dead")
    take = replace(SESSION.new_take(1), state="done", checks=(dead,), typical={"ADM": 3.5})
    session = SESSION.with_take(take)
    session.write(tmp_path)
    assert Session.read(tmp_path) == session


def test_what_is_done_next_follows_from_the_takes() -> None:
    session = SESSION
    assert session.next_step == 1
    for state in ("recording", "repeated", "failed"):
        session = session.with_take(replace(session.new_take(1), state=state))
        assert session.next_step == 1, state
    assert session.new_take(1).number == 4
    session = session.with_take(replace(session.new_take(1), state="done"))
    session = session.with_take(replace(session.new_take(2), state="skipped"))
    assert session.next_step == 3
    assert session.with_take(replace(session.new_take(3), state="done")).next_step is None


def test_a_take_is_changed_in_its_place() -> None:
    first = SESSION.new_take(1)
    session = SESSION.with_take(first).with_take(replace(first, state="done"))
    assert [take.state for take in session.takes] == ["done"]


def test_folders_are_named_after_step_task_and_take() -> None:
    assert SESSION.new_take(2).folder == "takes/02_mvc-1DI-left_1"
    assert SESSION.new_take(3).folder == "takes/03_scales_1"


def test_maxima_are_of_the_muscle_that_was_asked_for() -> None:
    takes = [
        replace(SESSION.new_take(1), state="done", typical={"1DI (left)": 4.0, "ADM": 5.0}),
        replace(SESSION.new_take(2), state="done", strongest={"1DI (left)": 400.0, "ADM": 90.0}),
    ]
    session = SESSION.with_take(takes[0]).with_take(takes[1])
    assert session.maxima == {"1DI (left)": 400.0}
    assert session.resting == {"1DI (left)": 4.0, "ADM": 5.0}
    assert session.with_take(replace(takes[1], state="repeated")).maxima == {}
    ill = (SignalCheck("emg/samples", "saturated", "1DI (left)", "it clips"),)
    assert session.with_take(replace(takes[1], checks=ill)).maxima == {}


@pytest.mark.parametrize("name", ["Anna", "P", "P07 Anna", "", "../P07", "AnnaB7"])
def test_what_may_be_a_name_is_no_person(name: str) -> None:
    with pytest.raises(ValueError, match="must be a code such as P07"):
        check_person(name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "has 2 for its version"),
        ({"person": "Anna"}, "must be a code such as P07"),
        ({"hand": "middle"}, "hand is 'middle'"),
        ({"steps": [{"kind": "nap"}]}, "kind is 'nap', but must be one of: rest, mvc, task"),
        ({"takes": [{"step": 9, "number": 1, "state": "done", "folder": "x"}]}, "of step 9"),
        ({"takes": [{"step": 1, "number": 1, "state": "done", "folder": "../x"}]}, "outside the"),
    ],
)
def test_a_session_that_cannot_be_is_refused(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    SESSION.write(tmp_path)
    content = json.loads((tmp_path / FILE).read_text()) | change
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(ForeignFileError) as refusal:
        Session.read(tmp_path)
    assert said in str(refusal.value)
    assert str(tmp_path / FILE) in str(refusal.value)
