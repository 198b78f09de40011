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

"""A model of many people becomes one of a person: what that gains, and what its card says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.learn.adaptation import adapting, whole_network
from kpm_ros.learn.adaptation.adapting import adapt, chosen_of
from kpm_ros.learn.adaptation.gained import gain_curve, score
from kpm_ros.learn.adaptation.provenance import adapted_card, refuse_met
from kpm_ros.learn.adaptation.steps import (
    ADAPTER,
    AS_IT_IS,
    EVERYTHING,
    GAIN,
    Choice,
    LastLayer,
    to_movement,
)
from kpm_ros.learn.adaptation.takes import takes_of
from kpm_ros.learn.adaptation.whole_network import taught
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.identity import seen_of
from kpm_ros.models.card import CardError
from kpm_ros.models.levels import levels_of, with_levels
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained
from kpm_ros.models.weight_files import random_tensors
from support.models import Made, made_examples, small
from support.people import few_features, write_people

KERNEL = find_architecture("kernel")


@pytest.fixture(scope="module", autouse=True)
def _quick():
    with few_features():
        yield


def fitted(dataset):
    names = dataset.splits["train"]
    card = KERNEL.new_card(
        streams=dataset.streams,
        muscles=dataset.muscles,
        unit=dataset.unit,
        rate_hz=dataset.grid_rate_hz,
        name="of many",
        licence="a licence",
        trained_on="simulated recordings.",
        seen=seen_of(dataset.identities[name] for name in names).on_card(),
    )
    examples = dataset.on_grid(names, card)
    fit = Trained(*KERNEL.fit(card, examples))
    return replace(fit, card=replace(fit.card, levels=levels_of(card, examples)))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_people(tmp_path_factory.mktemp("people") / "set"))


@pytest.fixture(scope="module")
def base(dataset):
    return fitted(dataset)


@pytest.fixture(scope="module")
def takes(dataset, base):
    return takes_of(dataset, base.card, "p5")


@pytest.fixture(scope="module")
def gained(base, takes):
    return gain_curve(base, takes)


def test_a_person_own_takes_lower_the_error_on_others(gained):
    assert gained.after.rmse < 0.7 * gained.before.rmse
    assert [round(point.seconds) for point in gained.points] == [0, 10, 30, 40]
    table = gained.table()
    assert "as it is" in table
    assert gained.adapted.choice.step in table


def test_the_picture_of_the_learning_curve_is_drawn(gained, tmp_path):
    gained.draw(tmp_path / "curve.png", "p5")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_an_adapted_model_runs_live_in_hops_as_it_estimates_a_recording(gained, takes):
    model = gained.adapted.model
    rows = takes.held_out[0].values()
    assert model.estimate_in_hops(rows) == pytest.approx(model.estimate(rows), abs=1e-5)


def test_intervals_of_an_adapted_model_are_those_of_the_person(gained, base):
    assert gained.adapted.model.card.interval != base.card.interval
    assert 0.8 < gained.after.coverage < 0.98


@pytest.mark.parametrize(
    ("gain", "weak", "strong", "chosen"),
    [
        (0.9, 0.800, 0.805, Choice(ADAPTER, 8.0)),
        (0.9, 0.800, 0.830, Choice(ADAPTER, 1.0)),
        (0.9, 0.895, 0.950, Choice(GAIN)),
        (0.99, 0.99, 0.99, Choice(AS_IT_IS)),
    ],
)
def test_of_ways_about_as_good_the_one_that_changes_least_is_chosen(gain, weak, strong, chosen):
    errors = {
        Choice(AS_IT_IS): 1.0,
        Choice(GAIN): gain,
        Choice(ADAPTER, 1.0): weak,
        Choice(ADAPTER, 8.0): strong,
    }
    assert chosen_of(errors) == chosen


def test_nothing_is_adapted_where_nothing_is_to_be_gained(base, takes):
    moved = to_movement(base, takes.own)
    right = []
    for one in takes.own:
        said = moved.estimate(one.values())
        noise = np.random.default_rng(1).normal(0, 0.02, said.shape)
        right.append(Made(one.values(), (said + noise).astype(np.float32), "p5"))
    assert adapt(moved, right).choice.step == AS_IT_IS


def test_the_card_of_an_adapted_model_says_whose_it_is_and_keeps_what_its_base_said(
    dataset, base, takes, gained
):
    card = adapted_card(base.card, "ab" * 32, dataset, takes.own, gained)
    assert card.name == "of many-p5"
    assert card.licence == "a licence"
    assert card.trained_on.startswith("simulated recordings. Adapted to p5: 40 s of simulated")
    assert "SIMULATED" in card.trained_on
    assert "adapted from of many (abababababababab)" in card.notes
    seen, before = Seen.from_card(card.seen), Seen.from_card(base.card.seen)
    own = {name: dataset.identities[name].take for name in dataset.names}
    assert before.takes < seen.takes
    assert own["p5_1"] | own["p5_2"] <= seen.takes
    assert not own["p5_3"] & seen.takes
    nobody = adapted_card(replace(base.card, seen={}), "", dataset, takes.own, gained)
    assert Seen.from_card(nobody.seen).unknown == {"of many"}


def test_takes_that_a_base_has_met_show_nothing(dataset, base):
    with pytest.raises(ValueError, match="was trained on the take p1_3"):
        refuse_met(base.card, dataset, takes_of(dataset, base.card, "p1").held_out)


def test_somebody_who_is_not_in_the_data_is_refused_with_those_who_are(dataset, base):
    with pytest.raises(ValueError, match="nobody called 'p9': its people are p1, p2, p3, p4, p5"):
        takes_of(dataset, base.card, "p9")


def test_of_one_take_the_end_is_held_out(tmp_path):
    dataset = open_dataset(write_people(tmp_path / "set", people=2, takes=1))
    takes = takes_of(dataset, KERNEL.new_card(
        streams=dataset.streams, muscles=dataset.muscles, unit="1", rate_hz=50
    ), "p2")  # fmt: skip
    assert (takes.own[0].start, takes.own[0].stop) == (0, 667)
    assert (takes.held_out[0].start, takes.held_out[0].stop) == (667, 1000)
    assert np.isnan(takes.own[0].effort[667:]).all()


def test_rest_and_maximum_alone_bring_effort_to_a_person_levels(base, takes):
    rows = takes.own[0].values()
    rest, strongest = base.card.levels["FDS"]
    own = {"FDS": (rest + 1.0, strongest + 1.0 + (strongest - rest))}
    card, tensors = with_levels(base.card, base.tensors, own)
    before, after = base.estimate(rows), Trained(card, tensors).estimate(rows)
    assert after[:, 0] == pytest.approx(rest + 1.0 + 2 * (before[:, 0] - rest), abs=2e-3)
    assert after[:, 1] == pytest.approx(before[:, 1], abs=1e-5)
    assert card.interval["FDS"][1] == pytest.approx(2 * base.card.interval["FDS"][1], rel=1e-3)
    with pytest.raises(ValueError, match="the maximum must be above"):
        with_levels(base.card, base.tensors, {"FDS": (1.0, 1.0)})
    with pytest.raises(ValueError, match="does not say how strong muscles were"):
        with_levels(replace(base.card, levels={}), base.tensors, own)


def test_the_last_layer_of_a_network_over_frames_is_adapted_as_it_streams():
    card, tensors = small(seed=3)
    model = Trained(card, tensors)
    examples = made_examples(card, 2)
    for example in examples:
        example.effort = model.estimate(example.rows) * 0.5 + 0.3
    adapted = adapt(model, examples).model
    for example in examples:
        said = adapted.estimate(example.rows)
        assert (
            np.abs(said - example.effort).mean()
            < 0.3 * np.abs(model.estimate(example.rows) - example.effort).mean()
        )


def raised(seed):
    card, tensors = small(seed=seed)
    return Trained(card, {**tensors, "outlet.bias": tensors["outlet.bias"] + 3})


@pytest.fixture(scope="module")
def network():
    return raised(seed=3)


def told_by(model, share=1.0):
    examples = made_examples(model.card, 3, 2500)
    for example in examples:
        example.effort = model.estimate(example.rows) * np.float32(share)
    return examples


def error(model, example):
    return np.sqrt(np.mean((model.estimate(example.rows) - example.effort) ** 2))


def test_a_person_recordings_teach_the_whole_of_a_network(network, monkeypatch):
    for name, value in (("STEPS", 30), ("WINDOWS", 2), ("KEPT", 0.8), ("RATE", 1e-3)):
        monkeypatch.setattr(whole_network, name, value)
    examples = told_by(network, share=0.9)
    efforts = LastLayer(network, examples, tasks=["scales"] * 3).efforts(without=2)
    assert [np.isfinite(each).all() for each in efforts] == [True, True, False]
    assert np.isnan(efforts[2]).all()
    after = taught(network, examples, efforts)
    assert error(after, examples[2]) < 0.6 * error(network, examples[2])
    assert not np.allclose(after.tensors["inlet.weight"], network.tensors["inlet.weight"])
    with pytest.raises(ValueError, match=r"no 0.75 s of the person's effort are known on end"):
        taught(network, examples, [np.full_like(each, np.nan) for each in efforts])


def test_the_whole_of_a_network_is_taught_by_a_minute_where_that_is_best(network, monkeypatch):
    right, left_out = raised(seed=5), []
    examples = told_by(right)

    def learnt(model, examples, efforts):
        left_out.append([number for number, each in enumerate(efforts) if np.isnan(each).any()])
        return right

    monkeypatch.setattr(adapting, "_taught", learnt)
    monkeypatch.setattr(adapting, "CHOICES", (Choice(GAIN),))
    assert adapt(network, examples, ["scales"] * 3).choice.step != EVERYTHING
    monkeypatch.setattr(adapting, "WHOLE_NETWORK_S", 5.0)
    found = adapt(network, examples, ["scales"] * 3)
    assert found.choice == Choice(EVERYTHING)
    assert left_out == [[0], [1], [2], []]
    assert found.model.tensors is right.tensors
    assert found.model.card.interval


def test_a_model_whose_output_is_fed_back_says_that_it_cannot_be_adapted():
    card = published_card()
    with pytest.raises(CardError, match="pianokpm has no last layer that effort follows from"):
        adapt(Trained(card, random_tensors(card)), made_examples(card, 1))


def test_scores_leave_out_what_is_not_known(base, takes):
    part = takes.held_out[0]
    whole = score(base, [part])
    effort = np.array(part.recording.effort)
    effort[:, 1] = np.nan
    assert np.isfinite(whole.rmse)
    truth = replace(part.recording.recording.truth, values=effort)
    recording = replace(part.recording.recording, truth=truth)
    partly = replace(part, recording=replace(part.recording, recording=recording))
    one = score(base, [partly])
    assert np.isfinite(one).all()
    assert one.rmse != whole.rmse
