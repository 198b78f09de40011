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

"""A session led through: what is asked again, left out or broken off, and where it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.session_file import Session
from kpm_ros.core.signals import StopRequested
from kpm_ros.operate.session_picture import MuscleHelp
from kpm_ros.operate.session_prompt import Phase, Prompt
from kpm_ros.operate.session_protocol import Ask, Protocol
from kpm_ros.operate.session_run import SessionRun
from kpm_ros.operate.session_screen import Key
from kpm_ros.operate.session_stage import SessionEnded, Stage
from kpm_ros.sense.samples import ChannelChunk, LandmarkFrame
from kpm_ros.sense.signal_watch import SignalWatch

S = 1_000_000_000
STEP_NS, CHUNK = S // 20, 50
VIEW = "camera/top/landmarks"
CHANNELS = ("ADM", "1DI")
LEVELS = {"rest": 4.0, "mvc": 400.0, "task": 150.0}
PROTOCOL = Protocol(
    "short",
    steps=(
        Ask("rest", 3.0),
        Ask("mvc", 3.0, muscles=CHANNELS),
        Ask("task", 3.0, "Play.", task="play"),
    ),
    check_s=10.0,
    ready_s=1.0,
    tries=2,
    muscles={"ADM": MuscleHelp("Out.", ("wrist", "little_mcp"))},
)


class Recording:
    def __init__(self, room: Room) -> None:
        self.ready, self.finished = True, False
        self._room = room

    @property
    def problem(self) -> str:
        return self._room.recorder_says

    def stop(self) -> None:
        self.finished = True


class Room:
    """Devices that do as they are told by a test, on a clock that goes when it is looked at."""

    def __init__(self) -> None:
        self.watch = SignalWatch([VIEW])
        self.time_ns = S
        self.problem = self.recorder_says = ""
        self.prompt = Prompt()
        self.prompts: list[Prompt] = []
        self.folders: list[str] = []
        self.pressed: list[Key] = []
        self.said: list[str] = []
        self.dead: set[str] = set()
        self.silent: set[str] = set()
        self.levels = dict(LEVELS)
        self.seen = True
        self.on_step = lambda: None
        self._noise = np.random.default_rng(1)
        self._index = 0

    def now_ns(self) -> int:
        return self.time_ns

    def step(self) -> None:
        self.time_ns += STEP_NS
        self.on_step()
        step = self.prompt.step if self.prompt.phase == Phase.RECORDING else None
        if VIEW not in self.silent:
            points = np.zeros((21, 3), np.float32) if self.seen else None
            frame = LandmarkFrame(self.time_ns, "top", self._index, points, 1.0)
            self.watch.push_frame(VIEW, frame, self.time_ns)
        if "keys" not in self.silent:
            playing = self.prompt.phase == Phase.CHECKING or (step and step.kind == "task")
            self.watch.push_key_event(bool(playing), self.time_ns)
        if "emg" not in self.silent:
            self.watch.push_emg(self._emg(step), self.time_ns)
        self._index += 1

    def _emg(self, step) -> ChannelChunk:
        samples = self._noise.normal(0, 1, (CHUNK, len(CHANNELS)))
        for number, name in enumerate(CHANNELS):
            active = step and (step.kind == "task" or step.muscle == name)
            samples[:, number] *= self.levels[step.kind] if active else self.levels["rest"]
            samples[:, number] *= name not in self.dead
        samples = samples.astype(np.float32)
        start_ns = self.time_ns - STEP_NS
        return ChannelChunk("emg", start_ns, self._index * CHUNK, 1000.0, CHANNELS, "uV", samples)

    def show(self, prompt: Prompt) -> None:
        self.prompt = replace(prompt)
        self.prompts.append(self.prompt)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def devices(self) -> Mapping[str, Mapping[str, str]]:
        return {"emg": {"hardware": "an amplifier"}}

    def complaint(self) -> str:
        return ""

    def record(self, folder: Path) -> Recording:
        self.folders.append(folder.name)
        return Recording(self)

    def keys(self) -> list[Key]:
        pressed, self.pressed = self.pressed, []
        return pressed


class Screen:
    def __init__(self, room: Room) -> None:
        self.say = room.say

    def show(self, prompt: Prompt) -> None:
        pass


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def lead(tmp_path, room):
    """Lead through a session, or go on with it; what is in its folder afterwards."""

    def run(protocol=PROTOCOL, session=None, stop=lambda: None) -> Session:
        session = session or Session("P07", protocol.name, ())
        stage = Stage(session.person, room, Screen(room), room.keys, stop)
        made = SessionRun(session, tmp_path, protocol, stage)
        made.run()
        return Session.read(tmp_path)

    return run


def states(session: Session) -> list[tuple[str, str]]:
    return [(take.folder.removeprefix("takes/"), take.state) for take in session.takes]


def during(room: Room, what: str, then) -> None:
    """Do something once, a second into the first take of a step."""
    ready = []

    def look() -> None:
        step = room.prompt.step
        if room.prompt.phase == Phase.RECORDING and step and step.name == what:
            ready.append(1)
            if len(ready) == 20:
                then()

    room.on_step = look


def test_everything_is_asked_for_once_where_all_is_well(room, lead, tmp_path):
    session = lead()
    assert [state for _, state in states(session)] == ["done"] * 4
    assert room.folders == ["01_rest_1", "02_mvc-ADM_1", "03_mvc-1DI_1", "04_play_1"]
    assert session.channels == CHANNELS
    assert session.devices == {"emg": {"hardware": "an amplifier"}}
    assert not [check for check in session.checks if check.said]
    assert session.maxima["ADM"] > 50 * session.resting["ADM"]
    for take in session.takes:
        assert take.ended_ns - take.began_ns == pytest.approx(3 * S, abs=2 * STEP_NS)
    phases = list(dict.fromkeys(prompt.phase for prompt in room.prompts))
    assert phases == [Phase.PREPARING, Phase.CHECKING, Phase.READY, Phase.RECORDING, Phase.OVER]
    [drawing] = {prompt.picture for prompt in room.prompts if prompt.picture}
    assert Path(drawing).read_text().startswith("<svg")
    lefts = [prompt.left_s for prompt in room.prompts if prompt.phase == Phase.RECORDING]
    assert [left_s for left_s, _ in groupby(lefts)] == [3, 2, 1] * 4


def test_a_dead_channel_is_told_and_the_rest_is_recorded(room, lead):
    room.dead = {"1DI"}
    session = lead()
    assert states(session) == [
        ("01_rest_1", "done"),
        ("02_mvc-ADM_1", "done"),
        ("03_mvc-1DI_1", "skipped"),
        ("04_play_1", "done"),
    ]
    told = [sentence for sentence in room.said if "EMG channel 1DI is dead" in sentence]
    assert len(told) == 2, "before the first take, and where its maximum is left out"
    assert session.done[-1].ill_channels == ("1DI",)
    assert set(session.maxima) == {"ADM"}


def test_no_session_begins_without_one_channel_that_is_well(room, lead):
    room.dead = set(CHANNELS)
    with pytest.raises(SessionEnded, match="no EMG channel is well: EMG channel ADM is dead"):
        lead()
    assert room.folders == []


def test_a_signal_that_never_comes_is_named(room, lead):
    room.silent = {"keys"}
    with pytest.raises(SessionEnded, match="nothing comes from keys/events"):
        lead()
    assert "goes on" in room.prompts[-1].text


def test_a_device_that_is_lost_in_a_take_breaks_it_off_and_it_is_taken_again(room, lead):
    def come_back() -> None:
        room.silent = set()

    def lose() -> None:
        room.silent = {"emg"}
        room.on_step = lambda: room.prompt.phase == Phase.CHECKING and come_back()

    during(room, "play", lose)
    session = lead()
    assert states(session)[3:] == [("04_play_1", "failed"), ("04_play_2", "done")]
    assert "nothing has come from emg/samples for 1." in session.takes[3].why
    assert any("04_play_1 was broken off" in sentence for sentence in room.said)


def test_a_device_that_is_lost_in_every_take_ends_the_session_which_goes_on_later(
    room, lead, tmp_path
):
    def look() -> None:
        lost = room.prompt.phase == Phase.RECORDING and room.prompt.step.name == "play"
        room.silent = {"emg"} if lost else set()

    room.on_step = look
    with pytest.raises(SessionEnded, match=r"2 takes in a row were broken off: nothing has come"):
        lead()
    session = Session.read(tmp_path)
    assert states(session)[3:] == [(f"04_play_{take}", "failed") for take in (1, 2)]
    room.on_step = lambda: None
    room.silent = set()
    assert states(lead(session=session))[5:] == [("04_play_3", "done")]


def test_a_full_disk_ends_the_session_which_goes_on_later(room, lead, tmp_path):
    def fill() -> None:
        room.recorder_says = "recording has stopped: No space left on device"

    during(room, "mvc-1DI", fill)
    with pytest.raises(SessionEnded, match="No space left on device; once that is mended"):
        lead()
    session = Session.read(tmp_path)
    assert states(session)[-1] == ("03_mvc-1DI_1", "failed")
    room.recorder_says = ""
    assert states(lead(session=session))[3:] == [("03_mvc-1DI_2", "done"), ("04_play_1", "done")]


def test_a_session_that_cannot_be_written_any_more_ends_in_words(room, lead, tmp_path):
    def take_away() -> None:
        shutil.rmtree(tmp_path)
        tmp_path.write_text("a file")

    during(room, "mvc-ADM", take_away)
    with pytest.raises(SessionEnded, match=r"session\.json cannot be written: .*; once"):
        lead()


def test_a_stop_leaves_a_session_that_goes_on_with_the_same_step(room, lead, tmp_path):
    stops: list[int] = []

    def check() -> None:
        if stops:
            raise StopRequested

    during(room, "mvc-ADM", lambda: stops.append(1))
    with pytest.raises(StopRequested):
        lead(stop=check)
    session = Session.read(tmp_path)
    assert states(session)[-1] == ("02_mvc-ADM_1", "failed")
    assert session.takes[-1].why == "the session was stopped in it"
    assert room.prompts[-1].phase == Phase.OVER
    assert states(lead(session=session))[2] == ("02_mvc-ADM_2", "done")


def test_a_contraction_that_hardly_rises_is_repeated_and_then_left_out(room, lead):
    room.levels["mvc"] = 8.0
    session = lead()
    assert [state for name, state in states(session) if "mvc-ADM" in name] == [
        "repeated",
        "repeated",
        "skipped",
    ]
    assert "ADM rose to" in session.takes[1].why
    assert "2 takes were not well" in session.takes[3].why
    assert any(prompt.note.startswith("Once more: ADM rose to") for prompt in room.prompts)


def test_a_maximum_that_playing_surpasses_is_asked_for_again(room, lead):
    room.levels["mvc"] = 60.0

    def stronger() -> None:
        room.levels["mvc"] = 400.0

    during(room, "play", stronger)
    session = lead()
    assert [state for name, state in states(session) if "mvc" in name] == [
        "repeated",
        "repeated",
        "done",
        "done",
    ]
    assert session.next_step is None
    assert "play took ADM to" in session.takes[1].why
    assert any("above its maximum contraction" in check.said for check in session.takes[3].checks)
    assert session.takes[3].ill_channels == ()


def test_a_hand_out_of_sight_is_no_take_of_a_task(room, lead):
    def leave() -> None:
        room.seen = False
        during(room, "mvc-never", lambda: None)

    during(room, "mvc-1DI", leave)
    session = lead()
    assert states(session)[2] == ("03_mvc-1DI_1", "done")
    assert states(session)[3] == ("04_play_1", "repeated")
    assert "camera/top/landmarks has found whom it looks for in 0%" in session.takes[3].why


def test_space_pauses_and_s_leaves_a_step_out(room, lead):
    def pause() -> None:
        room.pressed = [Key.GO]
        room.on_step = lambda: room.prompt.phase == Phase.PAUSED and go_on()

    def go_on() -> None:
        room.pressed = [Key.GO]
        during(room, "play", lambda: room.pressed.append(Key.SKIP))

    during(room, "rest", pause)
    session = lead()
    assert states(session)[:2] == [("01_rest_1", "failed"), ("01_rest_2", "done")]
    assert session.takes[0].why == "it was paused"
    assert states(session)[-1] == ("04_play_1", "skipped")


def test_nobody_who_is_ready_has_to_wait_for_signals_that_never_get_well(room, lead):
    room.dead = {"1DI"}
    during_check = lambda: room.prompt.note and room.pressed.append(Key.GO)  # noqa: E731
    room.on_step = lambda: room.prompt.phase == Phase.CHECKING and during_check()
    lead()
    checked = [prompt for prompt in room.prompts if prompt.phase == Phase.CHECKING]
    assert checked[-1].left_s >= 7


def test_who_goes_on_needs_the_same_electrodes(room, lead):
    session = replace(lead(), takes=(), channels=("ADM", "1DI", "FDS"))
    with pytest.raises(SessionEnded, match="now FDS is missing: connect the same electrodes"):
        lead(session=session)
