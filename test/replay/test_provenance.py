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

"""A recording says by what it was made, and a replay says in what it differs."""

from __future__ import annotations

import json

import pytest

from kpm_ros import cli
from kpm_ros.models.weight_files import read_card
from kpm_ros.replay import recorded_with
from kpm_ros.replay.bag import BagTopic, BagWriter
from kpm_ros.replay.bag_reader import BagReader
from support import bags

FACTS = {
    "commit": "v1-3-gabc",
    "model": "light, other",
    "model_sha256": f"{'a' * 64}, {'b' * 64}",
    "host": json.dumps({"processor": "A Fast One", "system": "Linux 6"}),
    "parameters": json.dumps(
        {
            "/kpm/synchronizer": {"pose_wait_s": 0.25, "keys_wait_s": 0.02, "hop_s": 0.5},
            "/left/inference": {"warm_up_s": 9.0},
        }
    ),
}


@pytest.fixture
def described(deliveries, light, tmp_path):
    """A recording that tells by what it was made."""

    def make(facts):
        entries = bags.entries(deliveries)
        topics = {topic: BagTopic(kind) for topic, _, _, kind in entries}
        with BagWriter(tmp_path / "described", topics) as bag:
            bag.describe(**facts)
            for topic, received_ns, message, kind in entries:
                data = bags.known_types().serialize_cdr(message, kind)
                bag.write(topic, received_ns, bytes(data))
        return bag.folder

    return make


def test_a_replay_shows_by_what_a_recording_was_made(capsys, described, light):
    assert cli.main(["replay", str(described(FACTS)), "--model", str(light)]) == 0
    said = capsys.readouterr().out
    assert "  recorded   kpm_ros " in said
    assert "v1-3-gabc, A Fast One, Linux 6\n" in said
    assert f"  model      light (sha256 {'a' * 12}...), other (sha256 {'b' * 12}...)\n" in said
    assert "  parameter  synchronizer: pose_wait_s is 0.06, and was 0.25 in the live run\n" in said
    # What is the same, of another pipeline, or changes no sample is not told.
    assert "keys_wait_s" not in said
    assert "hop_s" not in said
    assert "warm_up_s" not in said


def test_the_live_runs_model_is_replayed_where_none_is_named(described, light, tmp_path):
    from kpm_ros.operate.replay_choices import Choices
    from kpm_ros.operate.replay_run import ReplayRun

    bag = described({"parameters": json.dumps({"/kpm/inference": {"model": str(light)}})})
    replay = ReplayRun(Choices(bag))
    replay.close()
    assert replay.card == read_card(light)


def test_a_model_that_is_not_here_leaves_the_usual_one():
    facts = {"parameters": json.dumps({"/kpm/inference": {"model": "/gone/mine.safetensors"}})}
    assert recorded_with.model(facts, "kpm") == ""
    assert recorded_with.model({}, "kpm") == ""


def test_a_replay_by_another_model_than_the_live_runs_says_so(capsys, deliveries, light, tmp_path):
    info = bags.info(read_card(light), "c" * 64)
    bag = bags.write(tmp_path / "bag", [*bags.entries(deliveries), info])
    assert cli.main(["replay", str(bag), "--model", str(light)]) == 0
    assert f"this is not the live run's: that was light (sha256 {'c' * 12}...)" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, '{"/kpm/synchronizer": 3}'])
def test_facts_that_are_no_such_thing_are_passed_over(capsys, described, light, text):
    facts = {"parameters": text or " ", "host": text or " ", "commit": "\x1b[31mred"}
    assert cli.main(["replay", str(described(facts)), "--model", str(light)]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert recorded_with.differences(facts, "kpm", {"synchronizer": {"pose_wait_s": 1}}) == []
    assert not recorded_with.simulated(facts)


@pytest.mark.parametrize("node", ["simulator", "motion_player"])
def test_what_no_camera_has_seen_is_called_simulated(node):
    real = {"/kpm/camera_top": {}, "/kpm/synchronizer": {"view": node}}
    assert not recorded_with.simulated({"parameters": json.dumps(real)})
    assert recorded_with.simulated({"parameters": json.dumps({**real, f"/kpm/{node}": {}})})


def test_a_bag_of_others_has_no_facts(recording):
    with BagReader(recording) as bag:
        assert bag.facts == {}
        assert recorded_with.described(bag.facts) == []
