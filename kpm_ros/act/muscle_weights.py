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

"""Weights of muscles, by name: as users write them, and as an effort stream can fulfil them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from kpm_ros.core.hands import muscles_of, sides_of
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.core.sides import RIGHT

NAMED = 40
"""Muscles that a sentence lists."""


def parse_weights(
    setting: str, entries: Sequence[str], example: str
) -> dict[str, dict[str, float]]:
    """Read entries of a name, a muscle and a number as {name: {muscle: number}}.

    >>> parse_weights("gains", ["index 1DI 0.2", "index ADM -0.1"], "index 1DI 0.2")
    {'index': {'1DI': 0.2, 'ADM': -0.1}}
    """
    weights: dict[str, dict[str, float]] = {}
    for entry in entries:
        try:
            name, muscle, number = entry.split()
            value = float(number)
        except ValueError:
            raise ConfigurationError(
                f"{setting} has {entry!r}, but each entry must be a name, a muscle and a number, "
                f"such as {example!r}"
            ) from None
        if muscle in weights.setdefault(name, {}):
            raise ConfigurationError(f"{setting} gives {name!r} the muscle {muscle!r} twice")
        weights[name][muscle] = value
    return weights


def write_weights(weights: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Write entries that `parse_weights` reads."""
    return [
        f"{name} {muscle} {value:g}"
        for name, row in weights.items()
        for muscle, value in row.items()
    ]


def weights_of_hand(entries: Sequence[str], hand: str) -> list[str]:
    """Turn entries for a right hand's muscles into those for the hand, or hands, in use.

    >>> weights_of_hand(["index 1DI 0.2"], "both")
    ['left_index L_1DI 0.2', 'right_index R_1DI 0.2']
    """
    if hand == RIGHT:
        return list(entries)
    words = [entry.split() for entry in entries]
    return [
        f"{side}_{name} {muscles_of([muscle], hand)[place]} {number}"
        for place, side in enumerate(sides_of(hand))
        for name, muscle, number in words
    ]


def joints_of_hand(joints: Sequence[str], hand: str) -> list[str]:
    """Give the names that `weights_of_hand` gives to these joints.

    >>> joints_of_hand(["index"], "both")
    ['left_index', 'right_index']
    """
    if hand == RIGHT:
        return list(joints)
    return [f"{side}_{joint}" for side in sides_of(hand) for joint in joints]


def require_names(what: str, names: Sequence[str]) -> None:
    """Refuse an empty list, an empty name and a name given twice."""
    if isinstance(names, str) or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"{what} are {names!r}; they must be a list of names, none of them empty")
    if not names:
        raise ValueError(f"there are no {what}; at least one is needed")
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{what} must differ, but {', '.join(twice)} is given more than once")


def require_known_muscles(what: str, weights: Mapping[str, float], muscles: Sequence[str]) -> None:
    """Refuse weights for a muscle that the effort stream does not have."""
    for muscle in weights:
        if muscle not in muscles:
            more = len(muscles) - NAMED
            listed = [*muscles[:NAMED], *([f"{more} more"] if more > 0 else [])]
            raise ValueError(
                f"{what} names the muscle {muscle!r}, which the effort does not have; "
                f"it has {', '.join(listed)}"
            )
