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

"""Figures that others published, kept as data in config/published, to set ours beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from kpm_ros.core.foreign_yaml import read_yaml
from kpm_ros.core.resources import config_dir

MUSCLES_IN_ACTION = "muscles-in-action"


@dataclass(frozen=True)
class PublishedSet:
    """One test set of a published table: models in columns, exercises in rows."""

    models: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    pooled: tuple[float, ...] = ()
    """The row that is the root of the mean square over all windows."""
    mean: tuple[float, ...] = ()
    """The row that is the mean of the rows."""


@dataclass(frozen=True)
class PublishedTable:
    """RMSE per exercise as it was published."""

    name: str
    about: str
    unit: str
    sets: Mapping[str, PublishedSet]


@dataclass(frozen=True)
class Published:
    """All that was published of one system."""

    exercises: tuple[PublishedTable, ...]
    also: Mapping[str, str]
    """Exercises that have another name in another version."""
    lengths_name: str
    lengths_s: tuple[float, ...]
    lengths: Mapping[str, tuple[float, ...]]
    """RMSE of each model at each length of input."""
    lengths_unit: str
    transfer: str
    """What is known of it, in words."""
    pose_error: Mapping[str, float]
    pose_error_says: str

    def same_exercise(self, name: str) -> str:
        """Reduce an exercise's name to what all versions of it have in common."""
        known = {_plain(one): _plain(other) for one, other in self.also.items()}
        return known.get(_plain(name), _plain(name))


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


@lru_cache(maxsize=4)
def published_figures(name: str = MUSCLES_IN_ACTION, folder: Path | None = None) -> Published:
    """Read what was published of a system."""
    raw = read_yaml((folder or config_dir() / "published") / f"{name}.yaml")
    length, transfer, pose = raw["input_length"], raw["transfer"], raw["muscles_to_pose"]
    return Published(
        exercises=tuple(_table(one) for one in raw["exercises"]),
        also=raw["also"],
        lengths_name=length["name"],
        lengths_s=_row(length["seconds"]),
        lengths={model: _row(row) for model, row in length["models"].items()},
        lengths_unit=length["unit"],
        transfer=f"{transfer['name']}: {transfer['says']}",
        pose_error=pose["error"],
        pose_error_says=f"{pose['name']}: {pose['says']}",
    )


def _table(raw: Mapping[str, Any]) -> PublishedTable:
    sets = {
        split: PublishedSet(
            models=tuple(one["models"]),
            rows={exercise: _row(row) for exercise, row in one["rows"].items()},
            pooled=_row(one.get("mean", ())),
            mean=_row(one.get("mean_of_rows", ())),
        )
        for split, one in raw["sets"].items()
    }
    return PublishedTable(raw["name"], raw["about"], raw["unit"], sets)


def _row(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
