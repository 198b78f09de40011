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

"""Devices are looked for and tried; what is wrong is said with the command that mends it."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpm_ros.sense import checkup
from kpm_ros.sense.camera.v4l2 import FoundCamera
from kpm_ros.sense.tracking.tracker import TrackerUnavailableError
from support.amplifier import Amplifier

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: cameras cannot be tried")


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may use any device."""
    monkeypatch.setattr(checkup.os, "access", lambda *_: False)


@pytest.fixture
def uninstalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No library is installed."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video0"
    made = tmp_path / "made.avi"
    writer = cv2.VideoWriter(str(made), cv2.VideoWriter_fourcc(*"MJPG"), 20, (160, 120))
    for _ in range(20):
        writer.write(np.full((120, 160, 3), 80, np.uint8))
    writer.release()
    made.rename(path)
    return path


@pytest.fixture
def playing() -> Iterator[Amplifier]:
    """An amplifier that sends until the test is over."""
    over = threading.Event()

    def send(device: Amplifier) -> None:
        while not over.wait(0.02):
            device.send([device.now_s()])

    with Amplifier(50.0) as device:
        thread = threading.Thread(target=send, args=(device,))
        thread.start()
        yield device
        over.set()
        thread.join()


def one(findings: Any) -> checkup.Finding:
    [found] = findings
    assert isinstance(found, checkup.Finding)
    return found


def test_no_camera_is_no_fault_and_the_driver_to_load_is_named(tmp_path: Path) -> None:
    found = one(checkup.check_no_camera(tmp_path, tmp_path / "video4linux"))
    assert found.state == "none"
    assert "modprobe uvcvideo" in found.mend
    (tmp_path / "video0").touch()
    assert list(checkup.check_no_camera(tmp_path, tmp_path)) == []


def test_a_camera_that_gives_pictures_is_described(video: Path) -> None:
    found = one(checkup.check_camera(FoundCamera(video, "Webcam", "")))
    assert found.state == "ok"
    assert "160x120" in found.said
    assert "Webcam" in found.name


def test_a_camera_that_does_not_open_is_broken_and_its_users_can_be_found(tmp_path: Path) -> None:
    path = tmp_path / "video0"
    path.write_bytes(b"this is no picture")
    found = one(checkup.check_camera(FoundCamera(path, "Webcam", "")))
    assert found.state == "broken"
    assert f"fuser -v {path}" in found.mend


@pytest.mark.usefixtures("forbidden")
def test_without_permission_the_group_to_join_is_named(tmp_path: Path) -> None:
    for name in ("video0", "seq", "ttyUSB0"):
        (tmp_path / name).touch(mode=0o600)
    camera = one(checkup.check_camera(FoundCamera(tmp_path / "video0", "", "")))
    serial = one(checkup.check_serial_ports(tmp_path))
    assert (camera.state, serial.state) == ("broken", "broken")
    assert "usermod -aG video $USER" in camera.mend
    assert "usermod -aG dialout $USER" in serial.mend
    if importlib.util.find_spec("rtmidi"):
        midi = one(checkup.check_midi(tmp_path / "seq"))
        assert midi.state == "broken"
        assert "usermod -aG audio $USER" in midi.mend


def test_without_a_sequencer_the_kernel_module_is_named(tmp_path: Path) -> None:
    pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")
    found = one(checkup.check_midi(tmp_path / "seq"))
    assert found.state == "none"
    assert "modprobe snd-seq" in found.mend


@pytest.mark.usefixtures("uninstalled")
def test_a_library_that_is_not_installed_is_no_fault_and_named(video: Path) -> None:
    found = [
        one(checkup.check_camera(FoundCamera(video, "", ""))),
        one(checkup.check_midi()),
        one(checkup.check_lsl()),
        one(checkup.check_brainflow()),
    ]
    assert {each.state for each in found} == {"missing"}
    assert all("pip install" in each.mend for each in found)


def test_a_stream_that_sends_is_read(playing: Amplifier) -> None:
    by_name = {found.name: found for found in checkup.check_lsl()}
    assert by_name[playing.name].state == "ok"
    assert "2 channels" in by_name[playing.name].said


def test_a_stream_that_sends_nothing_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup, "SAMPLE_WITHIN_S", 0.2)
    with Amplifier(50.0) as silent:
        by_name = {found.name: found for found in checkup.check_lsl()}
    assert by_name[silent.name].state == "broken"
    assert "nothing within" in by_name[silent.name].said


def test_brainflow_is_tried_by_its_synthetic_board() -> None:
    pytest.importorskip("brainflow", reason="BrainFlow is not installed")
    assert one(checkup.check_brainflow()).state == "ok"


def test_a_device_that_cannot_be_asked_is_taken_for_a_camera(tmp_path: Path) -> None:
    assert checkup.gives_pictures(tmp_path / "none")
    (tmp_path / "file").touch()
    assert checkup.gives_pictures(tmp_path / "file")


def test_the_tracker_of_each_skeleton_looks_and_names_its_models() -> None:
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    hand, body = checkup.check_trackers()
    assert (hand.name, hand.state) == ("hand (mediapipe-hand)", "ok")
    assert hand.said == "MediaPipe's models: lite, full"
    assert (body.name, body.state) == ("body (mediapipe-body)", "ok")
    assert "full" in body.said


def test_without_mediapipe_trackers_are_missing_and_no_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = list(checkup.check_trackers())
    assert [finding.state for finding in found] == ["missing", "missing"]
    assert all("kpm_ros[devices]" in finding.mend for finding in found)


def test_trackers_whose_library_cannot_be_loaded_are_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(what: str) -> None:
        raise TrackerUnavailableError(f"{what} tracking needs MediaPipe, which cannot be loaded")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(checkup, "load_mediapipe", load)
    found = list(checkup.check_trackers())
    assert [finding.state for finding in found] == ["broken", "broken"]
    assert "cannot be loaded" in found[0].said
