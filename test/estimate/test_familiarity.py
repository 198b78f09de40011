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

"""A room that no training has seen is said to be strange, and one that it might have is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.registration import RegisteredCamera, Registration
from kpm_ros.estimate.familiarity import strange_room
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.simulate.familiar_rooms import familiar_rooms
from kpm_ros.simulate.rooms import draw_room, published_room
from support.models import light

FAMILIAR = familiar_rooms()


def test_rooms_of_training_are_familiar_even_as_they_are_registered() -> None:
    said = [strange_room(FAMILIAR, draw_room(seed).registration()) for seed in range(100)]
    assert sum(map(bool, said)) <= 1
    assert strange_room(FAMILIAR, published_room().registration()) == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": (320, 180), "lens": (262.4, 262.4, 159.5, 89.5)}, "320 pixels across"),
        ({"lens": (400.0, 400.0, 639.5, 359.5)}, "degrees of view across"),
        ({"translation": (-0.85, -0.02, 2.5)}, "2.4"),
    ],
)
def test_a_room_beyond_training_is_named_with_what_is_strange(
    changes: dict[str, tuple[float, ...]], words: str
) -> None:
    cameras = dict(published_room().registration(with_error=False).cameras)
    cameras["top"] = RegisteredCamera(replace(cameras["top"].camera, **changes))
    said = strange_room(FAMILIAR, Registration(cameras))
    assert "camera 'top'" in said
    assert words in said


def test_a_card_that_says_nothing_of_rooms_finds_none_strange() -> None:
    far = draw_room(1).registration()
    assert strange_room({}, far) == ""
    assert strange_room(FAMILIAR, None) == ""


def test_a_card_keeps_what_is_familiar_and_refuses_what_is_no_range() -> None:
    card = replace(light()[0], familiar=FAMILIAR)
    read = ModelCard.from_metadata(card.to_metadata())
    assert read.familiar == FAMILIAR
    for wrong in ([2.0, 1.0], [1.0], [np.nan, 1.0]):
        with pytest.raises(CardError, match="familiar"):
            replace(card, familiar={"cameras": wrong})
