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

"""`kpm replay`: what users type, what they get, and the one sentence when it cannot be done."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from kpm_ros import cli
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.resources import find_model
from kpm_ros.models.pianokpm.published import published_streams
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.effort import load_npz, read_effort
from kpm_ros.replay.topics import TopicFinder
from support import bags
from support.bags import T0


def replay(capsys, *words):
    """Exit status and everything that was said."""
    status = cli.main(["replay", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


def refused(capsys, *words):
    status, out, err = replay(capsys, *words)
    assert status == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("kpm replay: ")
    return err


@pytest.fixture
def altered(deliveries, light, tmp_path):
    """Make a bag whose recorded effort is not what its inputs give."""

    def make(alter, start=0, sha256=""):
        from kpm_ros.models.weight_files import read_card

        messages = bags.entries(deliveries) + bags.live(deliveries, light, start, alter)
        if sha256:
            messages.append(bags.info(read_card(light), sha256))
        return bags.write(tmp_path / "altered", messages)

    return make


def test_the_replay_is_the_run(capsys, recording, light):
    status, out, _ = replay(capsys, recording, "--model", light, "--compare")
    assert status == 0
    assert "x real time" in out
    assert "the replay is the run, within 1e-05" in out
    assert re.search(r"only in the recording +0\n", out)


def test_the_recorded_grid_is_the_run_more_closely_still(capsys, recording, light):
    status, out, _ = replay(capsys, recording, "--model", light, "--compare", "--from", "aligned")
    assert status == 0
    assert "max |difference| 0," in out
    assert "within 1e-06" in out


def test_a_late_start_of_the_live_run_is_no_disagreement(capsys, light, altered):
    status, out, _ = replay(capsys, altered(lambda c: c, 40), "--model", light, "--compare")
    assert status == 0, out
    assert re.search(r"only in the recording +0\n", out)


def lived(folder, model, deliveries, recorded=None, **live):
    """A bag of a live run of a shipped model; what it got may be other than what was recorded."""
    messages = bags.entries(recorded or deliveries)
    messages += bags.live(deliveries, find_model(model), **live)
    return bags.write(folder, messages)


@pytest.mark.parametrize(
    ("model", "starts"), [("touchnet-sim", (20, 22, 23)), ("pianokpm-sim", (21,))]
)
def test_whenever_the_live_run_began_its_replay_is_the_run(
    capsys, deliveries, tmp_path, model, starts
):
    for start in starts:
        bag = lived(tmp_path / str(start), model, deliveries, start=start)
        for begin in ("inputs", "aligned"):
            words = (bag, "--model", model, "--compare", "--from", begin)
            status, out, err = replay(capsys, *words)
            assert status == 0, out + err
            assert "max |difference| 0," in out or model == "pianokpm-sim"


@pytest.fixture(scope="module")
def longer():
    """Devices for long enough that most of a run does not remember one event."""
    return bags.played(5.0)


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        ([250], "after a grid sample reached one network only"),
        (range(250, 260), "while a stream warms up"),
    ],
)
def test_grid_samples_that_reached_the_recorder_only_are_told_apart(
    capsys, longer, tmp_path, lost, why
):
    bag = lived(tmp_path / "bag", "touchnet-sim", longer, lost=lost)
    status, out, err = replay(capsys, bag, "--model", "touchnet-sim", "--compare")
    assert status == 0, out + err
    assert why in out


def test_a_recorder_that_missed_the_beginning_is_no_disagreement(capsys, longer, tmp_path):
    made = bags.live(longer, find_model("touchnet-sim"), start=20)
    chunks = [one for one in made if "MuscleEffortChunk" in one[3]]
    # What is left begins on the way back from zero, where the replay has long been.
    missed = [one for one in chunks if any(flags & 1 for flags in one[2].flags)]
    kept = [one for one in made if one not in missed]
    bag = bags.write(tmp_path / "bag", bags.entries(longer) + kept)
    status, out, err = replay(capsys, bag, "--model", "touchnet-sim", "--compare")
    assert missed
    assert status == 0, out + err


def test_a_message_that_was_in_time_for_one_run_only_is_told_apart(capsys, longer, tmp_path):
    second = T0 + 2 * 10**9
    recorded = [
        one._replace(deliver_ns=one.deliver_ns + 80 * 10**6)
        if 0 <= one.sample.stamp_ns - second < 10**7
        else one
        for one in longer
    ]
    bag = lived(tmp_path / "bag", "touchnet-sim", longer, recorded)
    status, out, err = replay(capsys, bag, "--model", "touchnet-sim", "--compare")
    assert status == 0, out + err
    assert "from other messages     0" not in out
    assert "after grid samples from other messages" in out


def test_a_replay_that_aligns_otherwise_is_not_excused_by_what_was_recorded(
    capsys, deliveries, light, tmp_path
):
    early = [
        one._replace(sample=replace(one.sample, stamp_ns=one.sample.stamp_ns - 10**6))
        for one in deliveries
    ]
    bag = bags.write(tmp_path / "bag", bags.entries(early) + bags.live(deliveries, light))
    status, _, err = replay(capsys, bag, "--model", light, "--compare")
    assert status == 1
    assert "too few samples were made from the same inputs" in err


def nudge(chunk):
    """Effort that is a little off, once."""
    if chunk.stamp_ns // 10**7 == (T0 + 15 * 10**8) // 10**7:
        return replace(chunk, effort=chunk.effort + np.float32(5e-5))
    return chunk


def test_effort_that_differs_is_told_by_the_exit_status(capsys, light, altered):
    bag = altered(nudge)
    status, out, err = replay(capsys, bag, "--model", light, "--compare")
    assert status == 1
    assert "the replay is the run" not in out
    assert "differs by 5e-05, more than 1e-05" in err
    assert replay(capsys, bag, "--model", light, "--compare", "--tolerance", "1e-4")[0] == 0


def test_flags_that_differ_are_told_by_the_exit_status(capsys, light, altered):
    bag = altered(lambda chunk: replace(chunk, flags=chunk.flags | FlagBits(16)))
    status, _, err = replay(capsys, bag, "--model", light, "--compare")
    assert status == 1
    assert "differ in their flags" in err


def test_effort_of_another_model_is_not_compared(capsys, light, altered, tmp_path):
    sha256 = hashlib.sha256(light.read_bytes()).hexdigest()
    bag = altered(lambda chunk: chunk, sha256=sha256)
    assert replay(capsys, bag, "--model", light, "--compare")[0] == 0
    other, _ = bags.small_model(tmp_path, seed=7)
    err = refused(capsys, bag, "--model", other, "--compare")
    assert f"was made by the model light (sha256 {sha256[:12]}...)" in err
    assert "--model" in err


def test_effort_is_written_as_arrays(capsys, recording, light, tmp_path):
    out = tmp_path / "effort.npz"
    status, said, _ = replay(capsys, recording, "--model", light, "--out", out)
    assert status == 0
    assert str(out) in said
    with np.load(out, allow_pickle=False) as file:
        assert file["muscles"].tolist() == ["ADM", "PB", "1DI", "2DI", "3DI", "4DI"]
        assert file["rate_hz"] == 2000
        assert file["effort"].shape == (len(file["stamps_ns"]), 6)
        assert len(str(file["model_sha256"])) == 64
    assert (np.diff(load_npz(out).stamps_ns) == 500_000).all()
    assert not [path for path in tmp_path.iterdir() if "part" in path.name]


def test_effort_is_written_as_a_bag_that_can_be_compared_with(capsys, recording, light, tmp_path):
    npz, bag = tmp_path / "effort.npz", tmp_path / "again"
    assert replay(capsys, recording, "--model", light, "--out", npz)[0] == 0
    assert replay(capsys, recording, "--model", light, "--out", bag)[0] == 0
    arrays = load_npz(npz)
    with BagReader(bag) as reader:
        chunks = read_effort(reader, TopicFinder(reader), 6)
        singles = read_effort(reader, TopicFinder(reader, only=["/kpm/effort"]), 6)
        assert reader.counts["/kpm/effort"] == len(arrays)
        info = reader.decode(next(reader.messages(["/kpm/effort/info"])))
        assert reader.span_ns[0] > arrays.stamps_ns[0]
        assert arrays.stamps_ns[-1] < reader.span_ns[1] <= T0 + 2 * 10**9
    for found in (chunks, singles):
        for name in ("stamps_ns", "index", "effort", "flags"):
            np.testing.assert_array_equal(getattr(found, name), getattr(arrays, name))
    assert info.model_sha256 == hashlib.sha256(light.read_bytes()).hexdigest()


def test_a_bag_of_effort_offers_it_as_the_inference_node_does(capsys, recording, light, tmp_path):
    assert replay(capsys, recording, "--model", light, "--out", tmp_path / "again")[0] == 0
    with AnyReader([tmp_path / "again"]) as reader:
        offered = {c.topic: c.ext.offered_qos_profiles[0] for c in reader.connections}
    profile = offered["/kpm/effort"]
    assert (profile.reliability.name, profile.depth) == ("BEST_EFFORT", 200)
    assert offered["/kpm/effort/chunks"].reliability.name == "RELIABLE"
    assert offered["/kpm/effort/info"].durability.name == "TRANSIENT_LOCAL"


def test_the_nodes_parameters_are_used(capsys, recording, light, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("/**/inference:\n  ros__parameters:\n    warm_up_s: 1.0\n")
    status, out, _ = replay(capsys, recording, "--model", light, "--compare", "--params-file", path)
    assert status == 1
    assert "flags differ" in out
    path.write_text("/**/synchronizer:\n  ros__parameters:\n    pose_wait_s: 5.0\n")
    assert "pose_wait_s" in refused(capsys, recording, "--model", light, "--params-file", path)


def test_a_recording_of_another_clock_is_explained(capsys, deliveries, light, tmp_path):
    day_ns = 24 * 3600 * 10**9
    messages = [(t, received - day_ns, *rest) for t, received, *rest in bags.entries(deliveries)]
    bag = bags.write(tmp_path / "bag", messages)
    assert "of different clocks" in refused(capsys, bag, "--model", light)


def test_what_cannot_be_replayed_is_refused_in_a_sentence(capsys, recording, light, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    model = ("--model", light)
    wide, _ = bags.small_model(tmp_path, streams=published_streams(("top", "left")))
    assert "no bag at" in refused(capsys, tmp_path / "nowhere", *model)
    assert "is not a bag" in refused(capsys, tmp_path, *model)
    assert "notes.txt is not a recording" in refused(capsys, tmp_path / "notes.txt", *model)
    assert "nonesuch" in refused(capsys, recording, "--model", "nonesuch")
    assert "model takes left" in refused(capsys, recording, "--model", wide)
    assert "/left" in refused(capsys, recording, *model, "--namespace", "left")
    assert "tolerance" in refused(capsys, recording, *model, "--tolerance", "-1")
    nowhere = tmp_path / "nowhere" / "effort.npz"
    assert str(nowhere) in refused(capsys, recording, *model, "--out", nowhere)
    assert "is not empty" in refused(capsys, recording, *model, "--out", tmp_path)
    assert "choose another" in refused(capsys, recording, *model, "--out", recording)


def test_there_must_be_effort_to_compare_with(capsys, deliveries, light, tmp_path):
    bag = bags.write(tmp_path / "bag", bags.entries(deliveries))
    err = refused(capsys, bag, "--model", light, "--compare")
    assert "no topic of type kpm_ros/msg/MuscleEffort" in err


def test_a_replay_that_is_refused_leaves_what_was_written_before(
    capsys, recording, deliveries, light, tmp_path
):
    npz, again = tmp_path / "effort.npz", tmp_path / "again"
    for out in (npz, again):
        assert replay(capsys, recording, "--model", light, "--out", out)[0] == 0
    before = npz.read_bytes()
    day_ns = 24 * 3600 * 10**9
    messages = [(t, received - day_ns, *rest) for t, received, *rest in bags.entries(deliveries)]
    useless = bags.write(tmp_path / "useless", messages)
    kept = sorted(tmp_path.rglob("*"))
    for out in (npz, again, tmp_path / "new", tmp_path / "new.npz"):
        refused(capsys, useless, "--model", light, "--out", out)
    # What there is to compare with is no effort of six muscles.
    narrow = replace_effort(tmp_path, deliveries, light)
    kept = sorted({*kept, *narrow.rglob("*"), narrow})
    refused(capsys, narrow, "--model", light, "--out", npz, "--compare")
    assert npz.read_bytes() == before
    assert sorted(tmp_path.rglob("*")) == kept


def replace_effort(folder, deliveries, light):
    """A bag whose recorded effort has five muscles."""
    live = bags.live(deliveries, light, 0, lambda c: replace(c, effort=c.effort[:, :5]))
    return bags.write(folder / "narrow", bags.entries(deliveries) + live)


def test_a_bag_of_effort_takes_its_place_only_when_it_is_whole(
    capsys, recording, light, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kpm_ros.replay.bag.Writer.write", full)
    err = refused(capsys, recording, "--model", light, "--out", tmp_path / "again")
    assert "No space left" in err
    assert list(tmp_path.iterdir()) == []
