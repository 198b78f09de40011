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

"""`kpm record-gestures`, `train-gestures` and `evaluate --report gestures`, on a session."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kpm_ros.act.gestures.gesture_model import GestureModel
from kpm_ros.cli import main
from kpm_ros.core.session_file import Session, Step, Take
from kpm_ros.operate import record_gestures
from kpm_ros.operate import session as session_command
from kpm_ros.operate.gesture_sessions import read_executions
from kpm_ros.operate.session_protocol import read_protocol
from support import bags
from support.bags import T0, S
from support.gestures import CHANNELS, LEVELS, PERIOD_NS, emg

TAKE = 400
"""Samples of a take: 2 s, of which the first is left out."""
DAY_NS = 24 * 3600 * S
"""The armband sits as it did on the first day; a day later it is turned."""


def take_of_session(folder, name, number, channels=CHANNELS, turn=0):
    """Write the bag of one execution; gives its span."""
    began_ns = T0 + number * 3 * S + turn * DAY_NS
    samples = np.roll(emg(name, TAKE, number), turn, axis=1).astype(np.float32)
    messages = []
    for start in range(0, TAKE, 10):
        at_ns = began_ns + start * PERIOD_NS
        message = bags.make(
            "kpm_ros/msg/ChannelSamples",
            header=bags.header(at_ns),
            stream="emg",
            first_index=start,
            rate_hz=200.0,
            channels=list(channels),
            unit="1",
            samples=samples[start : start + 10].reshape(-1),
        )
        messages.append(("/kpm/emg/samples", at_ns, message, "kpm_ros/msg/ChannelSamples"))
    bags.write(folder, messages)
    return began_ns, began_ns + TAKE * PERIOD_NS


def session_in(folder, repetitions=4, channels=CHANNELS, turn=0):
    """Record a made-up session of every gesture."""
    steps, takes = [], []
    for number, name in enumerate(LEVELS, 1):
        kind, task = ("rest", "rest") if name == "none" else ("task", name)
        for repetition in range(1, repetitions + 1):
            steps.append(Step(kind, task, 2.0, f"make {name}", repetition=repetition))
            k = len(steps)
            place = f"takes/{k:02}_{task}_1"
            seed = 10 * number + k
            began_ns, ended_ns = take_of_session(folder / place, name, seed, channels, turn)
            takes.append(Take(k, 1, "done", place, began_ns=began_ns, ended_ns=ended_ns))
    session = Session("P07", "gestures", tuple(steps), tuple(takes), simulated=True)
    session.write(folder)
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return session_in(tmp_path_factory.mktemp("sessions") / "G07")


def test_a_session_becomes_a_model_that_says_it_is_of_simulated_people(recorded, tmp_path, capsys):
    out = tmp_path / "model.safetensors"
    assert main(["train-gestures", str(recorded), "--out", str(out)]) == 0
    assert "12 executions of 1 SIMULATED people" in capsys.readouterr().out
    card = GestureModel.load(out).card
    assert card.gestures == ("none", "fist", "open")
    assert card.simulated
    assert card.people == ("P07",)
    assert card.inputs[0].channels == CHANNELS
    scores = tmp_path / "scores.json"
    words = ["evaluate", str(recorded), "--report", "gestures", "--json", str(scores)]
    assert main([*words, "--models", str(out), "hudgins"]) == 0
    told = json.loads(scores.read_text())
    assert told["simulated"]
    assert told["scores"][str(out)]["execution_accuracy"] == 1.0
    assert "hudgins same_day" in told["scores"]
    assert "SIMULATED" in capsys.readouterr().out


def test_what_a_person_did_before_reacting_is_left_out(recorded):
    whole = read_executions([f"{recorded}@standing"], ["emg"])
    assert {each.posture for each in whole.executions} == {"standing"}
    assert {len(each.signals["emg"].samples) for each in whole.executions} == {200}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--signals", "effort"], "no topic|holds no|lacks"),
        (["--features", "emg=other"], "--features has 'emg=other'"),
        (["--signals", "smell"], "--signals is 'smell'"),
        (["--reject-rate", "0.9"], "reject_rate is 0.9"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_sentence(recorded, tmp_path, capsys, words, said):
    import re

    assert main(["train-gestures", str(recorded), "--out", str(tmp_path / "x"), *words]) == 2
    told = capsys.readouterr().err
    assert re.search(said, told), told
    assert not (tmp_path / "x").exists()


def test_sessions_with_other_electrodes_are_not_put_together(recorded, tmp_path, capsys):
    other = session_in(tmp_path / "other", 3, ("x", "y", "z"))
    words = ["train-gestures", str(recorded), str(other), "--out", str(tmp_path / "x")]
    assert main(words) == 2
    assert "has the channels x, y, z of emg" in capsys.readouterr().err


def test_an_armband_that_sat_turned_is_said_to_have_been(recorded, tmp_path, capsys):
    today = session_in(tmp_path / "today", 3, turn=1)
    words = ["train-gestures", str(recorded), str(today), "--turned"]
    assert main([*words, "--out", str(tmp_path / "x.safetensors")]) == 0
    assert f"{recorded}: channels moved on by +1 electrodes" in capsys.readouterr().out


def test_a_folder_without_gestures_is_refused_in_a_sentence(tmp_path, capsys):
    assert main(["train-gestures", str(tmp_path), "--out", str(tmp_path / "x")]) == 2
    assert "holds no gestures" in capsys.readouterr().err


@pytest.fixture
def asked(monkeypatch):
    """What a session is led by, instead of leading one."""
    found = []

    def run(arguments):
        found.append(read_protocol(record_gestures.Path(arguments.protocol)))
        return 0

    monkeypatch.setattr(session_command, "run", run)
    return found


def test_the_gestures_that_were_named_are_asked_for_with_rest(asked, tmp_path):
    words = ["record-gestures", str(tmp_path / "G"), "--person", "P07"]
    assert main([*words, "--gestures", "fist,spread", "--repetitions", "5", "--seconds", "3"]) == 0
    (protocol,) = asked
    assert [(ask.kind, ask.task, ask.repeat) for ask in protocol.steps] == [
        ("rest", "", 5),
        ("task", "fist", 5),
        ("task", "spread", 5),
    ]
    assert protocol.needs == ("emg",)
    assert protocol.steps[2].prompt.startswith("Spread all fingers")
    assert main([*words, "--signals", "landmarks,emg"]) == 0
    assert asked[1].needs == ("cameras", "emg")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--repetitions", "2"], "--repetitions is 2"),
        (["--gestures", "fist,fist"], "must be different names"),
        (["--gestures", "none"], "none of them none"),
    ],
)
def test_gestures_that_cannot_be_asked_for_are_refused(asked, tmp_path, capsys, words, said):
    given = ["record-gestures", str(tmp_path / "G"), "--person", "P07", *words]
    assert main(given) == 2
    assert said in capsys.readouterr().err
    assert not asked
