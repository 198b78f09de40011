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

"""Dataclasses out of the plain values of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from kpm_ros.core.plain_data import from_plain
from kpm_ros.core.settings import ConfigurationError


@dataclass(frozen=True)
class Wheel:
    size: float


@dataclass(frozen=True)
class Cart:
    kind: Literal["hand", "horse"]
    wheels: tuple[Wheel, ...] = ()
    loads: Mapping[str, int] = field(default_factory=dict)
    name: str = ""


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "the cart is [], but must be a table of fields"),
        ({}, "the cart lacks the field 'kind'"),
        ({"kind": "motor"}, "kind is 'motor', but must be one of: hand, horse"),
        ({"kind": "hand", "wheals": []}, "no field 'wheals' (did you mean 'wheels'?)"),
        ({"kind": "hand", "wheels": [{"size": "big"}]}, "wheels[0]: size is 'big'"),
        ({"kind": "hand", "wheels": {"size": 1}}, "wheels is {'size': 1}, but must be a list"),
        ({"kind": "hand", "loads": {"hay": 1.5}}, "loads.hay is 1.5, but must be a whole number"),
        ({"kind": "hand", "loads": [1]}, "loads is [1], but must be a table by names"),
        ({"kind": "hand", "name": 7}, "name is 7, but must be a text"),
    ],
)
def test_what_does_not_fit_is_named(value: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        from_plain(Cart, value, "the cart")
    assert said in str(refusal.value)


def test_fields_of_all_kinds_are_made() -> None:
    value = {"kind": "horse", "wheels": [{"size": 1}], "loads": {"hay": 2}}
    assert from_plain(Cart, value, "it") == Cart("horse", (Wheel(1.0),), {"hay": 2})
