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

"""Tables of several data sets and bags put together into one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from kpm_ros.learn.scores.score_table import ModelRow, ScoreTable

Value = TypeVar("Value")


def merged(tables: Mapping[str, ScoreTable]) -> ScoreTable:
    """Put tables together, each under the name of what it is of; test sets are told apart by it."""
    if len(tables) == 1:
        return next(iter(tables.values()))
    kinds = {table.simulated: name for name, table in tables.items()}
    if len(kinds) > 1:
        raise ValueError(
            f"{kinds[True]} is simulated and {kinds[False]} is not: one table would mix them, so "
            "evaluate each by itself"
        )
    rows: dict[str, ModelRow] = {}
    for name, table in tables.items():
        for row in table.models:
            own = _within(row, name)
            rows[row.name] = _joined(rows[row.name], own) if row.name in rows else own
    first = next(iter(tables.values()))
    digests = "".join(table.fingerprint for table in tables.values())
    return replace(
        first,
        data="; ".join(f"{name}: {table.data}" for name, table in tables.items()),
        fingerprint=hashlib.sha256(digests.encode()).hexdigest(),
        models=tuple(rows.values()),
    )


def _within(row: ModelRow, source: str) -> ModelRow:
    def named(by_split: Mapping[str, Value]) -> dict[str, Value]:
        return {f"{split} of {source}": value for split, value in by_split.items()}

    takes = (replace(take, test_set=f"{take.test_set} of {source}") for take in row.takes)
    return replace(
        row,
        scores=named(row.scores),
        met=named(row.met),
        muscles=named(row.muscles),
        takes=tuple(takes),
    )


def _joined(row: ModelRow, other: ModelRow) -> ModelRow:
    return replace(
        row,
        scores={**row.scores, **other.scores},
        met={**row.met, **other.met},
        muscles={**row.muscles, **other.muscles},
        takes=row.takes + other.takes,
    )
