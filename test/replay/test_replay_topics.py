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

"""A model's inputs are found by their types, and a doubtful choice is left to the user."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.models.pianokpm.published import published_streams
from kpm_ros.replay.bag import BagError, BagTopic, BagWriter
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import ALIGNED, KEY_EVENT, KEY_MOTION, TopicFinder
from support import bags

STREAMS = published_streams()
HAND = "kpm_ros/msg/Landmarks"


def of(*views, keys=True):
    """Those of the published streams that are named, or their like."""
    hand = find_skeleton("mediapipe-hand")
    return Streams((*(Landmarks(view, hand) for view in views), *([PianoKeys()] if keys else [])))


def by_stream(found):
    """Topics by the names of their streams."""
    names = {}
    for topic, entry in found.items():
        names.setdefault(entry.stream, set()).add(topic)
    return names


STUDIO = {
    "top": "/studio/overhead",
    "right": "/studio/sideways",
    "events": "/piano/midi",
    "motion": "/piano/depth",
}


@pytest.fixture
def bag(tmp_path):
    """Make a bag of several parts, open while the test runs."""
    opened = []

    def make(*parts):
        path = bags.write(tmp_path / f"bag{len(opened)}", [m for part in parts for m in part])
        opened.append(BagReader(path))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture(scope="module")
def short(deliveries):
    return deliveries[:60]


def test_topics_of_any_name_are_found_by_their_types(bag, short):
    found = TopicFinder(bag(bags.entries(short, STUDIO))).inputs(STREAMS)
    assert by_stream(found) == {
        "top": {STUDIO["top"]},
        "right": {STUDIO["right"]},
        "keys": {STUDIO["events"], STUDIO["motion"]},
    }


def test_a_view_is_what_its_messages_say_and_not_what_its_topic_is_called(bag, short):
    swapped = {**bags.USUAL, "top": bags.USUAL["right"], "right": bags.USUAL["top"]}
    found = TopicFinder(bag(bags.entries(short, swapped))).inputs(STREAMS)
    names = by_stream(found)
    assert (names["top"], names["right"]) == ({swapped["top"]}, {swapped["right"]})


def test_among_several_of_a_type_the_usual_name_is_taken(bag, short):
    both = bag(bags.entries(short), bags.entries(short, STUDIO))
    found = TopicFinder(both).inputs(STREAMS)
    names = by_stream(found)
    assert bags.USUAL["motion"] in names["keys"]
    assert names["top"] == {bags.USUAL["top"]}


def test_two_pipelines_in_one_bag_are_told_apart_by_namespace_or_by_name(bag, short):
    left = {role: name.replace("/kpm/", "/left/") for role, name in bags.USUAL.items()}
    both = bag(bags.entries(short), bags.entries(short, left))
    with pytest.raises(
        BagError, match=r"/kpm/camera/top/landmarks, /left/camera/top/landmarks.*--namespace"
    ):
        TopicFinder(both).inputs(STREAMS)
    for finder in (TopicFinder(both, "left"), TopicFinder(both, "", list(left.values())[:4])):
        assert set(finder.inputs(STREAMS)) <= set(left.values())


def test_views_that_do_not_fit_the_model_are_refused(bag, short):
    with pytest.raises(BagError, match=r"views right, top, but the model takes left"):
        TopicFinder(bag(bags.entries(short))).inputs(of("top", "left"))


def test_what_is_missing_is_named(bag, short):
    keys_only = [d for d in short if not hasattr(d.sample, "view")]
    hands_only = [d for d in short if hasattr(d.sample, "view")]
    with pytest.raises(BagError, match=f"no topic of type {HAND}"):
        TopicFinder(bag(bags.entries(keys_only))).inputs(STREAMS)
    with pytest.raises(BagError, match=f"no topic of type {KEY_EVENT} or {KEY_MOTION}"):
        TopicFinder(bag(bags.entries(hands_only))).inputs(STREAMS)
    with pytest.raises(BagError, match=f"no topic of type {ALIGNED}"):
        TopicFinder(bag(bags.entries(short))).require(ALIGNED)
    with pytest.raises(
        BagError, match="no topic /kpm/camera/top: it has /kpm/camera/right/landmarks"
    ):
        TopicFinder(bag(bags.entries(short)), "", ["/kpm/camera/top"])
    with pytest.raises(BagError, match="no topic in the namespace /left"):
        TopicFinder(bag(bags.entries(short)), "left")


def test_a_model_without_keys_or_pose_needs_no_topics_of_them(bag, short):
    hands_only = [d for d in short if hasattr(d.sample, "view")]
    found = TopicFinder(bag(bags.entries(hands_only))).inputs(of("top", "right", keys=False))
    assert len(found) == 2
    keys_only = [d for d in short if not hasattr(d.sample, "view")]
    assert len(TopicFinder(bag(bags.entries(keys_only))).inputs(of())) == 2


def test_topics_without_messages_are_passed_over(tmp_path, short):
    messages = bags.entries(short)
    topics = {topic: BagTopic(kind) for topic, _, _, kind in messages}
    topics["/other/keys/events"] = BagTopic(KEY_EVENT)
    with BagWriter(tmp_path / "bag", topics) as writer:
        for topic, received_ns, message, kind in messages:
            data = bags.known_types().serialize_cdr(message, kind)
            writer.write(topic, received_ns, bytes(data))
    with BagReader(tmp_path / "bag") as bag:
        assert TopicFinder(bag).find(KEY_EVENT) == "/kpm/keys/events"


def test_all_senses_are_given_under_the_pipelines_own_names(bag, short):
    wide = [left_for_right(delivery) for delivery in short]
    names = {**STUDIO, "left": "/studio/left"}
    assert TopicFinder(bag(bags.entries(wide, names))).senses() == {
        "camera/top/landmarks": "/studio/overhead",
        "camera/left/landmarks": "/studio/left",
        "keys/events": "/piano/midi",
        "keys/motion": "/piano/depth",
    }


def test_a_bag_without_senses_is_refused(bag, deliveries, light):
    with pytest.raises(BagError, match="holds nothing that the senses say: it has /kpm/aligned"):
        TopicFinder(bag(bags.live(deliveries[:300], light))).senses()


def left_for_right(delivery):
    if getattr(delivery.sample, "view", "") != "right":
        return delivery
    return delivery._replace(sample=replace(delivery.sample, view="left"))
