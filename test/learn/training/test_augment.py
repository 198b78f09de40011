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

"""Training windows are shown with other hands and cameras, and nothing else about them changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import KEYBOARD, METRIC, NEWEST, Channels, Landmarks, PianoKeys, Streams
from kpm_ros.learn.training.augment import Augmentation, augment
from kpm_ros.learn.training.batches import Batch
from kpm_ros.learn.training.learner import Learner
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.models.pianokpm.published import published_card
from support.bodies import body_model, exercising
from support.streams import body

NOTHING = Augmentation().times(0)
HAND = find_skeleton("mediapipe-hand")
STREAMS = Streams(
    (
        Landmarks("top", HAND),
        Landmarks("body", find_skeleton("mediapipe-body"), dimensions=3),
        PianoKeys(count=5),
        Channels("force", ("thumb", "index"), "N", 100.0),
    )
)
METRIC_BODY = replace(STREAMS["body"], coordinates=METRIC)
TOP, BODY, KEYS, FORCE = (STREAMS.columns[name] for name in STREAMS.names)


@pytest.fixture(scope="module")
def values() -> torch.Tensor:
    """Three windows of a hand and a body that move, keys and forces."""
    draw = torch.Generator().manual_seed(1)
    shape = 0.5 + 0.05 * torch.randn(3, STREAMS.width, 1, generator=draw)
    return shape + 0.001 * torch.randn(3, STREAMS.width, 40, generator=draw)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_window_gets_a_camera_of_its_own_for_its_whole_length(values) -> None:
    amount = Augmentation(size=0, nearness=0, turn_rad=0, gain=0)
    changed = augment(values, STREAMS, generator=seeded(2), amount=amount)
    shift = changed - values
    assert torch.allclose(shift, shift[..., :1].expand_as(shift), atol=1e-6)
    assert (shift[0, TOP] - shift[1, TOP]).abs().max() > 1e-3
    assert (shift[0, BODY] - shift[1, BODY]).abs().max() > 1e-3
    assert not shift[:, FORCE].any()


def test_a_hand_in_the_keyboards_frame_is_another_one_at_almost_the_same_place() -> None:
    """It is turned, moved by millimetres and resized as one, and each landmark is off a little."""
    hand = Landmarks("hand", HAND, 3, KEYBOARD, timing=NEWEST)
    shown = torch.rand(200, hand.width, 2) * 0.1
    amount = replace(Augmentation(), placed_landmark_m=0.0)
    moved = augment(shown, Streams((hand,)), generator=seeded(2), amount=amount) - shown
    assert not moved[:, hand.points_width :].any()
    points = moved[:, : hand.points_width].unflatten(1, (-1, 3))
    middle = points.mean(dim=1)
    assert 0.5 * amount.placed_m < middle.std() < 2 * amount.placed_m
    assert 0.0005 < (points - middle[:, None]).std() < 0.01
    own = augment(shown, Streams((hand,)), generator=seeded(2)) - shown - moved
    assert own.std() == pytest.approx(Augmentation().placed_landmark_m, rel=0.2)
    assert torch.allclose(own[..., 0], own[..., 1])


def test_how_old_points_are_stays_as_it_was(values) -> None:
    told = Streams((replace(STREAMS["top"], timing=NEWEST), replace(METRIC_BODY, timing=NEWEST)))
    shown = torch.rand(3, told.width, 40)
    changed = augment(shown, told, generator=seeded(2))
    for view in told:
        own = told.columns[view.name]
        age = own.stop - 1
        assert torch.equal(changed[:, age], shown[:, age])
        points = slice(own.start, age)
        assert (changed[:, points] - shown[:, points]).abs().min() > 0


@pytest.mark.parametrize(("columns", "dimensions"), [(TOP, 2), (BODY, 3)])
def test_a_larger_hand_or_body_keeps_its_shape(values, columns, dimensions) -> None:
    amount = Augmentation(0, 0, 0, size=0.2, landmark=0, gain=0)
    changed = augment(values, STREAMS, generator=seeded(3), amount=amount)
    points = [x[:, columns].unflatten(1, (-1, dimensions)) for x in (values, changed)]
    before, after = (x - x.mean(dim=1, keepdim=True) for x in points)
    ratio = (after.square().sum(dim=(1, 2)) / before.square().sum(dim=(1, 2))).sqrt()
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-4)
    assert torch.allclose(after, before * ratio[:, None, None], atol=1e-5)
    assert ratio.std() > 0.01


def test_sensors_are_calibrated_otherwise_and_keys_are_those_of_everybody(values) -> None:
    changed = augment(values, STREAMS, generator=seeded(3))
    assert torch.equal(changed[:, KEYS], values[:, KEYS])
    gain = changed[:, FORCE] / values[:, FORCE]
    assert torch.allclose(gain, gain[..., :1].expand_as(gain), rtol=1e-5)
    assert (gain[:, 0, 0] - gain[:, 1, 0]).abs().max() > 1e-3


def test_the_same_seed_draws_the_same_and_another_seed_something_else(values) -> None:
    one, again, other = (augment(values, STREAMS, generator=seeded(seed)) for seed in (4, 4, 5))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_missing_sense_stays_missing(values) -> None:
    missing = torch.zeros(3, 40, dtype=torch.int64)
    missing[1, 10:20] = 0b0001  # one of its two views
    changed = augment(values, STREAMS, missing, seeded(6))
    assert torch.equal(changed[1, TOP, 10:20], values[1, TOP, 10:20])
    assert torch.equal(changed[1, BODY, 10:20], values[1, BODY, 10:20])
    assert not torch.equal(changed[1, FORCE, 10:20], values[1, FORCE, 10:20])
    assert not torch.equal(changed[1, TOP, :10], values[1, TOP, :10])


def test_none_of_it_changes_nothing(values) -> None:
    changed = augment(values, STREAMS, generator=seeded(7), amount=NOTHING)
    assert torch.allclose(changed, values, atol=1e-6)


METRES = body()
LEVEL = Augmentation().times(0)


@pytest.fixture(scope="module")
def person() -> torch.Tensor:
    """Two windows of somebody who moves, told in metres: (B, points x 3, T)."""
    card, _ = body_model()
    return torch.stack([torch.from_numpy(exercising(card, 40, seed).T.copy()) for seed in (1, 2)])


def apart(values: torch.Tensor) -> torch.Tensor:
    """Distances between all points at each instant."""
    points = values.unflatten(1, (-1, 3)).permute(0, 3, 1, 2).double()
    return torch.cdist(points, points)


def test_a_body_in_metres_is_tilted_as_a_whole_and_keeps_its_shape(person) -> None:
    amount = replace(LEVEL, tilt_rad=0.2)
    changed = augment(person, METRES, generator=seeded(1), amount=amount)
    assert torch.allclose(apart(changed), apart(person), atol=1e-5)
    assert (changed - person).abs().max() > 0.02
    up = person.new_tensor((0.0, -1.0, 0.0)).repeat(33)[None, :, None].expand(2, -1, 1)
    tilted = augment(up.contiguous(), METRES, generator=seeded(1), amount=amount)
    angle = torch.acos(-tilted[:, 1])
    assert (angle > 0.01).all()
    assert (angle[0] - angle[1]).abs() > 0.01


def test_a_body_in_metres_has_other_proportions_depth_and_noise(person) -> None:
    offsets = augment(person, METRES, generator=seeded(2), amount=replace(LEVEL, landmark_m=0.02))
    moved = offsets - person
    assert torch.allclose(moved, moved[..., :1].expand_as(moved), atol=1e-6)
    assert moved.std() == pytest.approx(0.02, rel=0.2)
    flat = augment(person, METRES, generator=seeded(3), amount=replace(LEVEL, depth=0.1))
    depth = slice(2, None, 3)
    assert torch.equal(flat[:, 0::3], person[:, 0::3])
    ratio = flat[:, depth] / person[:, depth]
    assert torch.allclose(ratio, ratio[:, :1, :1].expand_as(ratio), rtol=1e-3)
    shaken = augment(person, METRES, generator=seeded(4), amount=replace(LEVEL, jitter_m=0.01))
    assert (shaken - person).std() == pytest.approx(0.01, rel=0.2)
    assert (shaken - person).diff(dim=-1).std() > 0.01


class Looking(nn.Module):
    """Keeps what it is shown, and estimates one number."""

    def __init__(self) -> None:
        super().__init__()
        self.card = published_card(architecture="touchnet", optional=("pose",))
        self.guess = nn.Parameter(torch.zeros(1))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Estimate the same for everything."""
        self.seen = values
        return self.guess.expand(len(values), 6, values.shape[-1])


@pytest.mark.parametrize("amount", [0.0, 1.0])
def test_training_shows_augmented_windows_if_asked_to(amount) -> None:
    network = Looking()
    streams = network.card.streams
    rows = torch.rand(3, streams.width, 40, generator=seeded(8))
    missing = torch.zeros(3, 40, dtype=torch.int64)
    missing[2] = streams.bits("pose")
    settings = make_settings("quick", augment=amount, window=40, sinkhorn=0.0)
    learner = Learner(network, settings)
    learner(Batch(rows, missing, torch.zeros(3, 6, 40)))
    assert torch.equal(network.seen[:2], rows[:2]) == (amount == 0)
    assert torch.equal(network.seen[2], rows[2])


def test_a_negative_amount_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="augment must be 0 or more, not -1"):
        make_settings("quick", augment=-1.0)
