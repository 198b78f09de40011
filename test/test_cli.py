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

"""`kpm`: what users type, and the one sentence they get when it cannot be done."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from safetensors.numpy import save

from kpm_ros import __version__, cli
from kpm_ros.core.lock import hold
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.operate import preflight


def run(capsys, *words: str) -> tuple[int, str, str]:
    try:
        status = cli.main(words)
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys, *words: str) -> str:
    """Run a command that must be refused, and give its sentence."""
    status, out, err = run(capsys, *words)
    assert status == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("kpm")
    assert "Traceback" not in err
    return err


@pytest.fixture
def model(tmp_path):
    """A weights file that has a card and no weights: enough for what is checked at the start."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(save({}, metadata=published_card(name="tested").to_metadata()))
    return path


@pytest.fixture
def up(capsys, monkeypatch, tmp_path, model):
    """Try `kpm up` with a good model, on a machine with ROS, and give the refusal."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(preflight, "require_ros", lambda: None)
    return lambda *words: refused(capsys, "up", f"model:={model}", *words)


def test_help_lists_every_command_without_loading_what_is_heavy():
    script = """
import sys
from kpm_ros.cli import main
try:
    main(["--help"])
finally:
    heavy = {"numpy", "torch", "rclpy", "yaml", "rich", "psutil"} & set(sys.modules)
    assert not heavy, heavy
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for command in ("up", "demo", "doctor", "calibrate", "graph", "info", "import"):
        assert re.search(rf"^    {command}\s", done.stdout, re.MULTILINE), command


def test_the_module_runs_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "kpm_ros.cli", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == f"kpm_ros {__version__}"


@pytest.mark.parametrize(
    "command", ["up", "demo", "doctor", "calibrate", "graph", "info", "import"]
)
def test_every_command_explains_itself_with_examples(capsys, command):
    status, out, _ = run(capsys, command, "--help")
    assert status == 0
    assert "examples:" in out


@pytest.mark.parametrize(
    "words",
    [
        ("--exo", "false"),
        ("--exo=false",),
        ("exo:=false",),
    ],
)
def test_options_are_taken_in_every_spelling(capsys, words):
    status, out, _ = run(capsys, "graph", *words)
    assert status == 0
    assert "camera/top/landmarks" in out
    assert "assist/command" not in out


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "COMMAND"),
        (("nonsense",), "nonsense"),
        (("up", "--nonsense"), "--nonsense"),
        (("up", "nonsense:=1"), "nonsense"),
        (("up", "emg:=maybe"), "maybe"),
        (("up", "namespace:=a-b"), "a-b"),
        (("up", "model:=nobody"), "nobody"),
        (("graph", "--format", "png"), "png"),
        (("demo", "--seconds", "soon"), "soon"),
        (("demo", "--seconds", "0"), "seconds is 0"),
        (("demo", "--seconds", "nan"), "seconds is nan"),
        (("demo", "record:=here"), "record"),
        (("calibrate", "--seconds", "0"), "seconds is 0"),
        (("calibrate", "--views", "top,top"), "top,top"),
        (("calibrate", "/no/such/bag"), "/no/such/bag"),
        (("doctor", "--patience", "0"), "patience is 0"),
        (("info",), "model"),
        (("info", "no-such-model"), "no-such-model"),
        (("info", "/no/such.safetensors"), "/no/such.safetensors"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(capsys, words, named):
    assert named in refused(capsys, *words)


def test_without_ros_the_way_to_it_is_named(capsys, monkeypatch):
    monkeypatch.setattr(preflight.importlib.util, "find_spec", lambda name: None)
    for command in ("up", "demo"):
        sentence = refused(capsys, command)
        assert "ROS 2 was not found" in sentence
        assert "make setup" in sentence


def test_without_the_messages_building_is_named(capsys, monkeypatch):
    monkeypatch.setattr(
        preflight.importlib.util, "find_spec", lambda name: object() if name == "rclpy" else None
    )
    assert "colcon build" in refused(capsys, "up")


def test_a_missing_or_foreign_weights_file_is_refused(up, tmp_path):
    assert "no weights file" in up(f"model:={tmp_path / 'none.safetensors'}")
    foreign = tmp_path / "foreign.safetensors"
    foreign.write_bytes(b"\x80\x04this is no weights file" * 10)
    assert "not a safetensors file" in up(f"model:={foreign}")


def test_a_score_that_is_not_midi_is_refused(up, tmp_path):
    text = tmp_path / "score.mid"
    text.write_text("la la la")
    assert "MIDI" in up(f"midi:={text}")
    assert "score" in up(f"midi:={tmp_path / 'score2.mid'}")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("- a list", "table"),
        ("a: [", "YAML"),
        ("/**/exo:\n  ros__parameters:\n    gians: [a]\n", "gians"),
        ("/**/exo:\n  ros__parameters:\n    rate_hz: fast\n", "rate_hz"),
        ("kpm:\n  exo:\n    ros__parameters:\n      rate_hz: 1.0e9\n", "rate_hz"),
        ("/kpm/exo:\n  ros__parameters:\n    gains: [index_abduction XYZ 0.1]\n", "XYZ"),
    ],
)
def test_a_wrong_parameters_file_is_refused(up, tmp_path, content, named):
    file = tmp_path / "mine.yaml"
    file.write_text(content)
    assert named in up(f"params_file:={file}")


def test_a_missing_parameters_file_is_refused(up, tmp_path):
    assert "no such file" in up(f"params_file:={tmp_path / 'none.yaml'}")


def test_parameters_of_other_nodes_are_none_of_our_business(up, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("/other/exo:\n  ros__parameters:\n    anything: 1\n")
    # The refusal is about the view: the file was accepted.
    assert "views" in up(f"params_file:={file}", "views:=top")


def test_a_folder_that_cannot_be_recorded_into_is_refused(up, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    assert "not empty" in up(f"record:={tmp_path / 'full'}")
    assert "nothing can be written" in up(f"record:={tmp_path / 'full' / 'thesis.txt' / 'bag'}")


def test_a_second_pipeline_in_the_same_namespace_is_refused(up):
    with hold("the pipeline of namespace /studio"):
        assert "namespace /studio is already running" in up("namespace:=studio")


def test_a_demo_folder_that_cannot_be_written_is_refused(capsys, monkeypatch, tmp_path, model):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(preflight, "require_ros", lambda: None)
    file = tmp_path / "file"
    file.touch()
    sentence = refused(capsys, "demo", f"model:={model}", "--out", str(file / "demo"))
    assert "output folder" in sentence


@pytest.mark.parametrize(
    ("checkpoint", "out", "named"),
    [
        ("none.pth", "new.safetensors", "no checkpoint at"),
        ("notes.txt", "new.safetensors", "notes.txt"),
        ("notes.txt", "new.onnx", r"must end in .safetensors"),
        ("notes.txt", "model.safetensors", "exists already"),
    ],
)
def test_a_checkpoint_that_cannot_be_imported_is_refused(
    capsys, tmp_path, model, checkpoint, out, named
):
    pytest.importorskip("torch")
    (tmp_path / "notes.txt").write_text("weights to come")
    assert named in refused(capsys, "import", str(tmp_path / checkpoint), str(tmp_path / out))
    assert not (tmp_path / "new.safetensors").exists()


def test_info_shows_the_card(capsys, model):
    status, out, _ = run(capsys, "info", str(model))
    assert status == 0
    for fact in (
        "tested",
        "ADM, PB, 1DI",
        "21 points of mediapipe-hand",
        "88 piano keys",
        "1024 Hz",
        "30.3 ms",
        "random weights",
    ):
        assert fact in out


def test_the_graph_is_drawn_or_listed(capsys):
    _, drawn, _ = run(capsys, "graph", "--format", "mermaid")
    assert drawn.startswith("flowchart")
    _, listed, _ = run(capsys, "graph", "exo:=false")
    assert "kpm_ros/msg/MuscleEffort " in listed
    assert "exo:" not in listed
