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

"""`kpm session`: what is refused, protocols, pictures, screen and keyboard."""

from __future__ import annotations

import io
import os

import pytest

from kpm_ros.core.session_file import FILE, Session, Step
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.operate.console import Console
from kpm_ros.operate.session_picture import MuscleHelp, draw_svg, draw_text
from kpm_ros.operate.session_prompt import Phase, Prompt
from kpm_ros.operate.session_protocol import protocol_names, protocol_path, read_protocol
from kpm_ros.operate.session_screen import Key, Keyboard, Screen, draw

SHORT = """
name: short
needs: [emg]
check_s: 8
ready_s: 1
tries: 2
steps:
  - {kind: rest, seconds: 1}
  - {kind: mvc, seconds: 2, muscles: [ADM]}
  - {kind: task, task: play, seconds: 2, prompt: Play.}
"""


@pytest.fixture
def refused(capsys, monkeypatch):
    """Try a session that must be refused; give the sentence."""
    from kpm_ros import cli
    from kpm_ros.operate import preflight

    monkeypatch.setattr(preflight, "require_ros", lambda: None)
    monkeypatch.setattr(preflight, "check", lambda options: None)

    def attempt(*words) -> str:
        assert cli.main(["session", *map(str, words)]) == 2
        [line] = capsys.readouterr().err.splitlines()
        return line

    return attempt


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say whose it is with --person CODE"),
        (("--person", "Anna"), "must be a code such as P07"),
        (("--person", "P1", "--protocol", "violin"), "one of: emg_grip, gestures, piano"),
        (("--person", "P1", "--protocol", "none.yaml"), "No such file"),
        (("--person", "P1", "--emg", "false"), "the protocol piano needs it"),
        (("--person", "P1", "--emg-device", "dog"), "emg_device is 'dog'"),
    ],
)
def test_what_cannot_begin_is_refused_and_leaves_nothing(refused, tmp_path, words, said):
    assert said in refused(tmp_path / "new", *words)
    assert not (tmp_path / "new").exists()


def test_a_folder_of_something_else_is_left_alone(refused, tmp_path):
    (tmp_path / "thesis.txt").write_text("words")
    assert "is no session, and not empty" in refused(tmp_path, "--person", "P1")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--person", "P08"), "is a session of P07, not of P08"),
        (("--hand", "left"), "was begun with hand left as it is, not 'left'"),
        (("--protocol", "piano"), "has its protocol already"),
    ],
)
def test_another_session_is_not_mixed_into_one(refused, tmp_path, words, said):
    Session("P07", "piano", (Step("rest", "rest", 5.0, "Rest."),)).write(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    assert said in refused(tmp_path, *words)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_that_comes_along_can_be_followed(name):
    protocol = read_protocol(protocol_path(name))
    assert protocol.name == name
    steps = protocol.steps_for(["ADM", "R_1DI", "flexors"])
    maxima = any(ask.kind == "mvc" for ask in protocol.steps)
    muscles = ["ADM", "R_1DI", "flexors"] if maxima else []
    assert [step.muscle for step in steps if step.muscle][:3] == muscles
    assert len({(step.name, step.repetition) for step in steps[:-1]}) == len(steps) - 1
    assert all(step.prompt for step in steps)
    assert protocol.steps_for([])[0].kind == "rest"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("seconds: 1}", "seconds: 0}"), "seconds is 0.0, but must be from 1"),
        (("kind: rest", "kind: nap"), "kind is 'nap', but must be one of: rest, mvc, task"),
        (("[emg]", "[lamp]"), "needs[0] is 'lamp', but must be one of: cameras, keys, emg"),
        ((", prompt: Play.", ""), "a task needs a name (task) and words (prompt)"),
        (("tries: 2", "trys: 2"), "no field 'trys' (did you mean 'tries'?)"),
        (("tries: 2", "muscles: {ADM: {prompt: x, place: [wrist, nose]}}"), "no point 'nose'"),
    ],
)
def test_a_protocol_that_nobody_can_follow_is_refused(tmp_path, change, said):
    path = tmp_path / "short.yaml"
    path.write_text(SHORT.replace(*change))
    with pytest.raises(ConfigurationError) as refusal:
        read_protocol(path)
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_a_muscle_is_drawn_where_it_is_and_the_finger_moves_away_from_the_other():
    told = MuscleHelp("Press.", ("thumb_mcp", "index_mcp"), "index_tip", "middle_tip")
    right, left = draw_text(told, "right"), draw_text(told, "left")
    [line] = [line for line in right if "O" in line]
    assert line.index("O") < 18, "a right hand's thumb is on the left"
    [mirrored] = [line for line in left if "O" in line]
    assert mirrored.index("O") == 35 - line.index("O")
    assert "<" in "".join(right)
    assert ">" in "".join(left)
    assert "Press &lt;hard&gt; &amp; hold" in draw_svg(told, "right", "Press <hard> & hold")


def test_a_terminal_shows_what_to_do_and_for_how_long_yet():
    step = Step("mvc", "mvc", 5.0, "Press.", muscle="ADM")
    prompt = Prompt("P07", Phase.RECORDING, step, 3, 9, 2, "Press [hard].", "Once more", 4)
    output = io.StringIO()
    Console(file=output, width=90).print(draw(prompt))
    for words in ("RECORDING", "step 3 of 9 mvc-ADM, take 2", "Press [hard].", "4 s", "Once more"):
        assert words in output.getvalue()


def test_lines_are_printed_where_there_is_no_terminal_and_only_once_each():
    output = io.StringIO()
    prompt = Prompt("P07", Phase.READY, None, 0, 0, 0, "Sit down.")
    with Screen(Console(file=output)) as screen:
        for left_s in (3, 2, 1):
            prompt.left_s = left_s
            screen.show(prompt)
    assert output.getvalue().splitlines() == ["get ready | Sit down."]


def test_keys_are_taken_one_by_one_and_the_terminal_is_as_before_afterwards():
    import pty
    import termios

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as terminal:
        before = termios.tcgetattr(terminal)
        with Keyboard(terminal) as keyboard:
            os.write(ours, b" xS\n")
            found: list[Key] = []
            while len(found) < 3:
                found += keyboard.pressed()
            assert found == [Key.GO, Key.SKIP, Key.GO]
        assert termios.tcgetattr(terminal) == before
    os.close(ours)
