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

"""`kpm calibrate`: a recording in, the cameras' latency in a parameters file out."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from kpm_ros import cli
from kpm_ros.operate import preflight
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.latencies import with_latency
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, KeyMotionChunk, LandmarkFrame
from support import bags

SECONDS = 40
LATE_MS = {"right": 45, "top": -30}
MINE = """\
# my room
/**/camera_right:
  ros__parameters:
    source: "2"  # the one on the stand
    latency_s: 0.01  # a guess
/**/camera_top: {ros__parameters: {latency_s: 0.02, source: "1"}}
/**/exo:
  ros__parameters:
    rate_hz: 250.0
"""


@pytest.fixture(scope="module")
def late():
    """What devices deliver whose cameras' stamps are late, each by its own time."""
    deliveries = [d for d in bags.played(SECONDS) if not isinstance(d.sample, KeyMotionChunk)]
    shifted = []
    for each in deliveries:
        sample = each.sample
        if isinstance(sample, LandmarkFrame):
            off_ns = LATE_MS[sample.view] * bags.MS
            sample = replace(sample, stamp_ns=sample.stamp_ns + off_ns)
        shifted.append(each._replace(sample=sample))
    return shifted


@pytest.fixture(scope="module")
def recording(late, tmp_path_factory):
    return bags.write(tmp_path_factory.mktemp("late") / "bag", bags.entries(late))


@pytest.fixture(scope="module")
def sparse(late, tmp_path_factory):
    """The same with every twelfth note only."""
    kept, struck = [], 0
    for each in late:
        if isinstance(each.sample, KeyEvent) and each.sample.kind is KeyEventKind.NOTE_ON:
            struck += 1
            if struck % 12:
                continue
        kept.append(each)
    return bags.write(tmp_path_factory.mktemp("sparse") / "bag", bags.entries(kept))


def calibrate(capsys, *words):
    status = cli.main(["calibrate", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def latencies(path):
    parameters = preflight.read_parameters(path)
    return {
        view: preflight.settings_of(
            f"camera_{view}", "kpm", parameters, {}, "camera"
        ).camera.latency_s
        for view in LATE_MS
    }


def test_what_a_recording_tells_is_written_into_a_new_file(capsys, recording, tmp_path):
    file = tmp_path / "new.yaml"
    status, out, _ = calibrate(capsys, recording, "--write", file)
    assert status == 0
    assert "right" in out
    assert "top" in out
    for view, late_ms in LATE_MS.items():
        assert latencies(file)[view] == pytest.approx(late_ms / 1000, abs=0.005)


def test_all_else_in_the_file_stays_and_the_latency_it_had_counts(capsys, recording, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    assert calibrate(capsys, recording, "--write", file)[0] == 0
    found = latencies(file)
    assert found["right"] == pytest.approx(0.01 + 0.045, abs=0.005)
    assert found["top"] == pytest.approx(0.02 - 0.030, abs=0.005)
    before, after = yaml.safe_load(MINE), yaml.safe_load(file.read_text())
    for content in (before, after):
        for view in LATE_MS:
            del content[f"/**/camera_{view}"]["ros__parameters"]["latency_s"]
    assert before == after
    for remark in ("# my room", "# the one on the stand", "# a guess"):
        assert remark in file.read_text()


def test_too_few_notes_are_said_and_nothing_is_written(capsys, sparse, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)
    status, _, err = calibrate(capsys, sparse, "--write", file)
    assert status == 1
    assert "too few" in err
    assert "nothing was written" in err
    assert file.read_text() == MINE


def test_a_folder_that_is_not_there_is_refused_before_anybody_plays(capsys, tmp_path):
    nowhere = tmp_path / "no" / "such" / "folder.yaml"
    status, out, err = calibrate(capsys, "--seconds", "60", "--write", nowhere)
    assert (status, out) == (2, "")
    assert "no folder" in err


def test_a_file_that_is_no_parameters_file_is_refused_and_left_alone(capsys, recording, tmp_path):
    file = tmp_path / "thesis.yaml"
    file.write_text("- chapter one\n")
    status, _, err = calibrate(capsys, recording, "--write", file)
    assert status == 2
    assert "not a table" in err
    assert file.read_text() == "- chapter one\n"


def test_what_was_found_is_told_even_if_it_cannot_be_written(
    capsys, recording, tmp_path, monkeypatch
):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE)

    def full(*_):
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr("kpm_ros.operate.latencies.Path.replace", full)
    status, out, err = calibrate(capsys, recording, "--write", file)
    assert status == 2
    assert "No space left" in err
    assert "right" in out
    assert file.read_text() == MINE
    assert [each.name for each in tmp_path.iterdir()] == ["mine.yaml"]


def test_a_view_or_bag_that_is_not_there_is_refused(capsys, recording, tmp_path):
    assert "left" in calibrate(capsys, recording, "--side", "left")[2]
    status, _, err = calibrate(capsys, tmp_path / "none")
    assert (status, "no bag at" in err) == (2, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a remark\n",
        "/**/exo:\n  ros__parameters:\n    rate_hz: 250.0",
        "/**/camera_top:\n  ros__parameters:\n    source: '1'\n",
        "/kpm/camera_top:\n  ros__parameters:\n    latency_s: 1\n",
        "kpm:\n  camera_top:\n    ros__parameters:\n      fps: 60.0\n      source: '1'\n",
        "/**:\n  ros__parameters:\n    use_sim_time: false\n",
    ],
)
def test_a_latency_finds_its_place_in_every_form_of_file(text):
    changed = with_latency(text, "top", "kpm", 0.0125)
    parameters = yaml.safe_load(changed)
    settings = preflight.settings_of("camera_top", "kpm", parameters, {}, "camera")
    assert settings.camera.latency_s == 0.0125
    assert with_latency(changed, "top", "kpm", 0.0125) == changed


def test_what_is_meant_for_all_nodes_is_not_touched():
    text = "/**:\n  ros__parameters:\n    use_sim_time: false\n"
    assert with_latency(text, "top", "kpm", 0.0125).startswith(text)


def test_a_latency_that_no_camera_may_have_is_refused():
    with pytest.raises(UserError, match="latency_s"):
        with_latency("", "top", "kpm", 3.0)
