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

"""A setting is declared once, and whoever offers it to users offers the same bounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from kpm_ros.core.settings import (
    CheckedSettings,
    ConfigurationError,
    check_number,
    declared,
    make_settings,
    rules,
    setting,
    values_of,
)


@dataclass(frozen=True)
class Fading(CheckedSettings):
    """Rules of a room."""

    fade_s: float = setting(0.5, "time until nothing is left", least=0.0, most=10.0, live=True)
    shape: str = setting("line", "course of it", choices=("line", "curve"))
    inner: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.shape == "curve" and self.fade_s == 0:
            raise ConfigurationError("a curve takes time")


@dataclass(frozen=True)
class Lamp:
    """Settings of a node."""

    colour: str = setting("red", "colour of the light")
    evening: Fading = rules(Fading, prefix="evening_")
    morning: Fading = rules(Fading, names={"fade_s": "rise_s", "shape": "rise_shape"})


def test_the_settings_of_rules_are_offered_under_the_names_that_their_user_writes() -> None:
    assert list(declared(Lamp)) == [
        "colour",
        "evening_fade_s",
        "evening_shape",
        "rise_s",
        "rise_shape",
    ]
    rise = declared(Lamp)["rise_s"]
    assert (rise.default, rise.least, rise.most, rise.live) == (0.5, 0.0, 10.0, True)


def test_what_a_user_gives_reaches_the_rules_that_it_is_meant_for() -> None:
    lamp = make_settings("lamp", Lamp, {"rise_s": 2, "evening_shape": "curve"})
    assert (lamp.evening, lamp.morning) == (Fading(shape="curve"), Fading(fade_s=2.0))
    assert values_of(lamp) == {
        "colour": "red",
        "evening_fade_s": 0.5,
        "evening_shape": "curve",
        "rise_s": 2.0,
        "rise_shape": "line",
    }
    assert make_settings("lamp", Lamp, values_of(lamp)) == lamp


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"rise_s": 11.0}, "lamp: rise_s is 11.0, but must be from 0 to 10"),
        ({"rise_s": True}, "lamp: rise_s is True, but must be a number from 0 to 10"),
        ({"rise_shape": "arc"}, "lamp: rise_shape is 'arc', but must be one of: line, curve"),
        ({"rise_shape": 1}, "lamp: rise_shape is 1, but must be a word"),
        ({"inner": 4}, "lamp: there is no parameter 'inner'"),
        ({"rise_s": 0.0, "rise_shape": "curve"}, "lamp: a curve takes time"),
    ],
)
def test_what_is_not_allowed_is_refused_in_a_sentence(given: dict, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        make_settings("lamp", Lamp, given)


def test_a_room_refuses_what_its_users_may_not_set() -> None:
    with pytest.raises(ConfigurationError, match="fade_s is -1, but must be from 0 to 10"):
        Fading(fade_s=-1)


def test_two_settings_of_one_name_are_a_mistake_of_the_programme() -> None:
    @dataclass(frozen=True)
    class Twice:
        one: Fading = rules(Fading)
        other: Fading = rules(Fading)

    with pytest.raises(TypeError, match="two settings of the name 'fade_s'"):
        declared(Twice)


@pytest.mark.parametrize(
    ("value", "bounds", "sentence"),
    [
        (0, {"above": 0}, "size is 0, but must be above 0"),
        (4, {"above": 0, "most": 3}, "size is 4, but must be above 0 and at most 3"),
        (-1, {"least": 0}, "size is -1, but must be at least 0"),
        (float("nan"), {}, "size is nan, but must be a finite number"),
        (float("inf"), {"least": 0}, "size is inf, but must be at least 0"),
        ("1", {}, "size is '1', but must be a number"),
        (1.5, {"least": 1, "whole": True}, "size is 1.5, but must be a whole number at least 1"),
    ],
)
def test_a_number_out_of_bounds_is_refused_with_what_is_allowed(
    value: object, bounds: dict, sentence: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_number("size", value, **bounds)
    assert str(refused.value) == sentence


def test_numpys_numbers_are_numbers() -> None:
    assert check_number("size", np.float32(0.5), least=0, most=1) == 0.5
    whole = check_number("size", np.int64(3), whole=True)
    assert (whole, type(whole)) == (3, int)
