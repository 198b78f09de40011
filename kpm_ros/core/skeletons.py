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
"""Skeletons: which points of a hand or body a tracker gives, and what each of them is.

`config/skeletons` holds the usual ones; anybody's own is a YAML file like those. Cards, recordings
and messages name the skeleton of each view, and no other file knows how many points it has.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from kpm_ros.core.resources import config_dir

MOST_POINTS = 1000
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_FIELDS = ("name", "points", "bones", "lengths_m", "roles", "mirror")
LONGEST_BONE_M = 10.0


class SkeletonError(ValueError):
    """A skeleton that cannot be used, said in a sentence."""


@dataclass(frozen=True)
class Skeleton:
    """Named points, the bones between them, and what they are to each other.

    >>> hand = find_skeleton("mediapipe-hand")
    >>> len(hand), hand.points[0], hand.role("tips")
    (21, 'wrist', (4, 8, 12, 16, 20))
    >>> find_skeleton("fingertips").bones
    ()
    """

    name: str
    points: tuple[str, ...]
    bones: tuple[tuple[int, int], ...] = ()
    """Pairs of points, by their places."""
    roles: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Places of the points that models and calibration ask for: root, palm, tips and others."""
    mirror: tuple[tuple[int, int], ...] = ()
    """Points that change places in a mirror; all others stay."""
    lengths_m: tuple[float, ...] = ()
    """Usual length of each bone in an adult; empty = not known."""

    def __len__(self) -> int:
        """Give the number of points."""
        return len(self.points)

    def __hash__(self) -> int:
        """Tell skeletons apart by names, which is all that sets and caches need."""
        return hash((self.name, self.points))

    def role(self, name: str) -> tuple[int, ...]:
        """Places of the points that have a role; a skeleton without it is refused."""
        if name not in self.roles:
            known = ", ".join(self.roles) or "none"
            raise SkeletonError(
                f"the skeleton {self.name!r} does not say which points are its {name}: its roles "
                f"are {known}"
            )
        return self.roles[name]

    def mirrored(self) -> tuple[int, ...]:
        """Which point stands in each place once left and right are exchanged."""
        order = list(range(len(self)))
        for left, right in self.mirror:
            order[left], order[right] = right, left
        return tuple(order)

    def as_plain(self) -> dict[str, Any]:
        """Write it as its YAML file does."""
        names = self.points
        lengths = {"lengths_m": list(self.lengths_m)} if self.lengths_m else {}
        return {
            "name": self.name,
            "points": list(names),
            "bones": [[names[a], names[b]] for a, b in self.bones],
            **lengths,
            "roles": {role: [names[p] for p in places] for role, places in self.roles.items()},
            "mirror": [[names[a], names[b]] for a, b in self.mirror],
        }

    @classmethod
    def from_plain(cls, value: Any, source: str = "the skeleton") -> Skeleton:
        """Read what `as_plain` wrote; a SkeletonError says what is wrong with it."""
        if not isinstance(value, dict):
            raise SkeletonError(f"{source} is no table of {', '.join(_FIELDS)}")
        unknown = sorted(str(name) for name in set(value) - set(_FIELDS))
        if unknown:
            raise SkeletonError(
                f"{source} has a field {unknown[0]!r}, but skeletons have {', '.join(_FIELDS)}"
            )
        name, points = value.get("name"), value.get("points")
        if not isinstance(name, str) or not _WORD.fullmatch(name):
            raise SkeletonError(
                f"{source} has the name {name!r}, but it must be letters, digits, - and _"
            )
        if not isinstance(points, list) or not 0 < len(points) <= MOST_POINTS:
            raise SkeletonError(f"{source} must list 1 to {MOST_POINTS} names as its points")
        for point in points:
            if not isinstance(point, str) or not _WORD.fullmatch(point):
                raise SkeletonError(
                    f"{source} has a point {point!r}, but names are letters, digits, - and _"
                )
        if len(set(points)) < len(points):
            twice = next(point for point in points if points.count(point) > 1)
            raise SkeletonError(f"{source} names the point {twice!r} more than once")
        place = {point: number for number, point in enumerate(points)}
        bones = _pairs(value.get("bones") or [], place, source, "bones")
        roles = value.get("roles") or {}
        if not isinstance(roles, dict):
            raise SkeletonError(f"{source} has roles that are no table of lists of points")
        return cls(
            name,
            tuple(points),
            bones,
            {
                str(role): _places(listed, place, source, f"role {role!r}")
                for role, listed in roles.items()
            },
            _pairs(value.get("mirror") or [], place, source, "mirror"),
            _lengths(value.get("lengths_m") or [], len(bones), source),
        )


def _places(listed: Any, place: Mapping[str, int], source: str, what: str) -> tuple[int, ...]:
    if not isinstance(listed, list) or not listed:
        raise SkeletonError(f"{source}: {what} must be a list of points")
    for point in listed:
        if not isinstance(point, str) or point not in place:
            raise SkeletonError(f"{source}: {what} names {point!r}, which is none of its points")
    return tuple(place[point] for point in listed)


def _pairs(
    listed: Any, place: Mapping[str, int], source: str, what: str
) -> tuple[tuple[int, int], ...]:
    if not isinstance(listed, list):
        raise SkeletonError(f"{source}: {what} must be a list of pairs of points")
    found = []
    for pair in listed:
        places = _places(pair, place, source, what)
        if len(set(places)) != 2:
            raise SkeletonError(f"{source}: {what} must be pairs of two points, not {pair!r}")
        found.append((places[0], places[1]))
    return tuple(found)


def _lengths(listed: Any, bones: int, source: str) -> tuple[float, ...]:
    good = isinstance(listed, list) and len(listed) in (0, bones)
    if not good or not all(
        type(length) in (int, float) and 0 < length <= LONGEST_BONE_M for length in listed
    ):
        raise SkeletonError(
            f"{source} must list in lengths_m a length for each of its {bones} bones, of at most "
            f"{LONGEST_BONE_M:g} m"
        )
    return tuple(float(length) for length in listed)


def shipped_skeletons() -> list[str]:
    """List the names of those that come with the package."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def find_skeleton(name: str) -> Skeleton:
    """Find a skeleton by the name of a shipped one, or read it from a YAML file."""
    if name.endswith((".yaml", ".yml")):
        from kpm_ros.core.foreign_yaml import read_yaml

        return Skeleton.from_plain(read_yaml(Path(name).expanduser()), name)
    return _shipped(name)


def written(skeleton: Skeleton) -> str | dict[str, Any]:
    """Write a skeleton into a card or recording: a shipped one as its name, others whole."""
    known = skeleton.name in shipped_skeletons() and _shipped(skeleton.name) == skeleton
    return skeleton.name if known else skeleton.as_plain()


def read_written(value: Any, source: str) -> Skeleton:
    """Read what `written` wrote."""
    return _shipped(value) if isinstance(value, str) else Skeleton.from_plain(value, source)


@lru_cache(maxsize=64)
def _shipped(name: str) -> Skeleton:
    path = _folder() / f"{name}.yaml"
    if not _WORD.fullmatch(name) or not path.is_file():
        raise SkeletonError(
            f"there is no skeleton {name!r}: the shipped ones are {', '.join(shipped_skeletons())};"
            " your own is given as the path of a .yaml file"
        )
    from kpm_ros.core.foreign_yaml import read_yaml

    return Skeleton.from_plain(read_yaml(path), str(path))


def _folder() -> Path:
    return config_dir() / "skeletons"
