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

"""What the launch files decide: what is played, what is refused, and what ends them."""

from __future__ import annotations

import os
import re
import shlex
import signal
from pathlib import Path

import pytest

pytest.importorskip("rosbags")

from kpm_ros import graph, pipeline_topics
from kpm_ros.core import die_with_parent
from kpm_ros.operate import launching
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.process_ends import LaunchEnds, Policy
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.pipeline_topics import TOPICS
from kpm_ros.replay.bag import BagTopic, BagWriter
from support import bags

ROOT = Path(__file__).resolve().parents[2]
GIVEN = {"rate": "1.0", "loop": "false", "start_s": "0.0"}
OUTPUTS = ["aligned", "effort", "effort/chunks", "effort/info", "gesture", "assist/command"]


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    """A bag of everything that the graph speaks, commands included; only senses say anything."""
    options = PipelineOptions(source="devices", record="bag")
    topics = {
        name if name.startswith("/") else f"/kpm/{name}": BagTopic(pipeline_topics.topic(name).type)
        for node in graph.build(options)
        for name in (*node.publishes, *node.subscribes)
    }
    folder = tmp_path_factory.mktemp("bag") / "bag"
    with BagWriter(folder, topics) as writer:
        for topic, received_ns, message, kind in bags.entries(bags.played(0.3)):
            data = bags.known_types().serialize_cdr(message, kind)
            writer.write(topic, received_ns, bytes(data))
    return folder


def option(words, name):
    """Words that belong to an option of a command line."""
    after = words[words.index(name) + 1 :]
    stop = next((i for i, word in enumerate(after) if word.startswith("-")), len(after))
    return after[:stop]


def test_only_what_devices_said_is_played(bag):
    words = launching.check_replay({**GIVEN, "bag": str(bag)}).ros2_command("kpm")
    senses = graph.senses(PipelineOptions())
    assert option(words, "--topics") == [f"/kpm/{name}" for name in senses]
    assert "--remap" not in words
    assert words[:6] == ["ros2", "bag", "play", str(bag), "--clock", "40"]


def test_in_another_namespace_the_pipeline_there_hears_it(bag):
    given = {**GIVEN, "bag": str(bag), "rate": "2", "loop": "true", "start_s": "0.1"}
    words = launching.check_replay(given).ros2_command("studio")
    senses = graph.senses(PipelineOptions())
    assert option(words, "--remap") == [f"/kpm/{name}:=/studio/{name}" for name in senses]
    assert option(words, "--rate") == ["2.0"]
    assert option(words, "--start-offset") == ["0.1"]
    assert "--loop" in words


MOVING = ("assist/command", "assist/command_stamped", "drive/command", "playback/targets")


def test_a_recorded_command_has_another_name_than_a_live_one():
    """Whoever plays a whole bag, with whatever player, moves no machine by it."""
    for topic in TOPICS:
        assert topic.moves == (topic.name in MOVING)
        assert (topic.recorded_name == topic.name) != topic.moves
        assert not (topic.moves and topic.sensed)


def command_lines():
    """Every use of ROS's own player in the pages."""
    found = []
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    for page in pages:
        text = page.read_text("utf-8").replace("\\\n", " ")
        for line in re.findall(r"ros2 bag play[^`\n]*", text):
            found.append(line.partition("#")[0])
    return found


@pytest.mark.parametrize("line", command_lines(), ids=range(len(command_lines())))
def test_command_lines_in_the_pages_play_what_devices_said_and_nothing_else(line):
    words = shlex.split(line)
    if len(words) == 3:  # the command's name alone
        return
    senses = [f"/kpm/{name}" for name in graph.senses(PipelineOptions())]
    played = option(words, "--topics")
    renamed = dict(w.split(":=") for w in option(words, "--remap")) if "--remap" in words else {}
    for topic in played:
        assert topic in senses or renamed[topic].startswith("/kpm/recorded/")
    if not renamed:
        assert played == senses


def test_the_pages_say_how_ros_own_player_is_used():
    assert any("--topics" in line for line in command_lines())


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"rate": "fast"}, "rate is 'fast', but must be a number"),
        ({"rate": "0"}, "rate is 0.0, but must be from 0.01 to 100"),
        ({"rate": "nan"}, "rate is nan, but must be from"),
        ({"start_s": "soon"}, "start_s is 'soon'"),
        ({"start_s": "99"}, "start_s is 99, but the bag is"),
        ({"bag": "/nope"}, "no bag at /nope"),
        ({"bag": ""}, "bag is empty"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_is_started(bag, given, says):
    with pytest.raises((UserError, ValueError), match=says):
        launching.check_replay({**GIVEN, "bag": str(bag), **given})


def test_a_bag_of_results_alone_is_refused(tmp_path):
    topics = {f"/kpm/{name}": BagTopic(pipeline_topics.topic(name).type) for name in OUTPUTS}
    BagWriter(tmp_path / "bag", topics).close()
    with pytest.raises(UserError, match="holds nothing that the senses say"):
        launching.check_replay({**GIVEN, "bag": str(tmp_path / "bag")})


def test_what_a_launch_starts_is_tied_to_it_and_a_users_own_prefix_is_kept():
    words = shlex.split(launching.prefix("exo"))
    assert die_with_parent.__file__ in words
    assert str(os.getpid()) in words
    assert launching.prefix("exo", "gdb --args").endswith(" gdb --args")
    assert launching.prefix("exo", "gdb --args", "exo|gesture").endswith(" gdb --args")
    assert launching.prefix("inference", "gdb --args", "exo|gesture") == launching.prefix("exo")


def over(policy, *ends, stopping=False):
    """Why a launch is over after these ends of one process, one a second."""
    judge = LaunchEnds(policy)
    reasons = [judge.why_over("exo-3", e, stopping, float(i)) for i, e in enumerate(ends)]
    return [reason for reason in reasons if reason]


def test_a_node_that_refuses_its_configuration_ends_the_launch():
    assert over(Policy(), 2) == ["exo-3 refused its configuration, as it says above"]


def test_a_node_that_falls_is_started_again_until_that_is_of_no_use():
    assert over(Policy(limit=3), 1, -signal.SIGSEGV, 1) == []
    assert "again 3 times within 60 s" in over(Policy(limit=3), 1, 1, 1, 1)[0]
    assert over(Policy(limit=3, window_s=2.5), 1, 1, 1, 1, 1) == []


def test_without_respawn_any_end_ends_the_launch():
    policy = Policy(respawn=False)
    assert over(policy, 0) == ["exo-3 ended by itself (exit status 0)"]
    assert over(policy, -signal.SIGKILL) == ["exo-3 ended by itself (killed by SIGKILL)"]


@pytest.mark.parametrize("status", [0, -signal.SIGINT, -signal.SIGTERM, 130, 143])
def test_a_node_that_was_asked_to_end_may(status):
    assert over(Policy(respawn=False), status, stopping=True) == []


def test_a_node_that_fails_while_stopping_fails_the_launch():
    said = over(Policy(), 1, stopping=True)
    assert said == ["exo-3 failed while stopping (exit status 1)"]
