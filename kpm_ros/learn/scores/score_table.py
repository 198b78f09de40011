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

"""A table of models' scores as data, and as the JSON file that keeps it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from kpm_ros.core.foreign_files import LISTING_BYTES, read_text
from kpm_ros.learn.scores.metrics import Interval, mean_interval
from kpm_ros.learn.scores.takes import Take

METRICS = ("rmse", "otd", "correlation")


@dataclass(frozen=True)
class RecordingScore:
    """How near one model came on one recording."""

    performance: str
    seconds: float
    rmse: float
    otd: float
    correlation: float
    person: str = ""


_COLUMNS = tuple(spec.name for spec in fields(RecordingScore))


MuscleScore = tuple[float, float | None]
"""Means over recordings of RMSE and correlation; None of a muscle that never moved, and no number
where nothing is known of it."""


@dataclass(frozen=True)
class ModelRow:
    """One model, with its scores on each test set."""

    name: str
    description: str
    inputs: tuple[str, ...]
    parameters: int
    lookahead_ms: float
    trained_on: str
    cost: Interval
    """CPU seconds per second of signal on one thread: median, least and most of several turns."""
    scores: Mapping[str, tuple[RecordingScore, ...]]
    """By test set, one for each recording that the model has not met."""
    met: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By test set, recordings left out since it has met them: in take, person or task."""
    provenance: str = ""
    """Why what it has met may not be known; empty where it is."""
    muscles: Mapping[str, Mapping[str, MuscleScore]] = field(default_factory=dict)
    """By test set and muscle."""
    takes: tuple[Take, ...] = ()
    """Everything that was measured of each recording."""

    def takes_of(self, split: str) -> list[Take]:
        """Those of one test set."""
        return [take for take in self.takes if take.test_set == split]

    def interval(self, split: str, metric: str) -> Interval:
        """Mean over a test set's recordings, with its interval; over people where it is known."""
        scores = self.scores[split]
        people = [score.person for score in scores]
        return mean_interval([getattr(score, metric) for score in scores], people=people)


@dataclass(frozen=True)
class ScoreTable:
    """Models side by side on the same recordings."""

    simulated: bool
    data: str
    """What the data set says of itself."""
    fingerprint: str
    """Of the data set."""
    split_file: str
    protocol: str
    otd_points: int
    models: tuple[ModelRow, ...]
    cpu: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    @property
    def splits(self) -> tuple[str, ...]:
        """The test sets that were scored."""
        return tuple(dict.fromkeys(split for model in self.models for split in model.scores))

    @property
    def takes(self) -> tuple[Take, ...]:
        """Everything that was measured of each recording, by all models."""
        return tuple(take for model in self.models for take in model.takes)

    def models_on(self, split: str) -> list[ModelRow]:
        """The models that were scored on a test set."""
        return [model for model in self.models if split in model.scores]

    def to_json(self) -> str:
        """Write everything, and for readers each test set's means and intervals.

        A model takes a line, so that two versions of a file can be compared.
        """
        raw = asdict(self)
        lines = []
        for row, model in zip(raw.pop("models"), self.models, strict=True):
            row["means"] = {
                split: {metric: asdict(model.interval(split, metric)) for metric in METRICS}
                for split in model.scores
            }
            row["scores"] = {
                split: {name: [getattr(score, name) for score in scores] for name in _COLUMNS}
                for split, scores in model.scores.items()
            }
            row["takes"] = [take.as_plain() for take in model.takes]
            lines.append(json.dumps(without_nan(row)))
        head = json.dumps(without_nan(raw), indent=1).removesuffix("\n}")
        return f'{head},\n "models": [\n' + ",\n".join(lines) + "\n]}\n"

    @classmethod
    def from_json(cls, text: str) -> ScoreTable:
        """Read back what `to_json` wrote; anything else is a ValueError."""
        try:
            raw = json.loads(text)
            models = tuple(_model(row) for row in raw.pop("models"))
            return cls(models=models, **raw)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(f"no table of scores as `kpm evaluate` writes it: {error}") from None


def read_score_table(path: Path) -> ScoreTable:
    """Read a table's file."""
    try:
        return ScoreTable.from_json(read_text(path, LISTING_BYTES))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _model(raw: dict[str, Any]) -> ModelRow:
    raw.pop("means")
    scores = {
        split: tuple(
            RecordingScore(**_with_nan(dict(zip(columns, values, strict=True))))
            for values in zip(*columns.values(), strict=True)
        )
        for split, columns in raw.pop("scores").items()
    }
    cost = Interval(**_with_nan(raw.pop("cost")))
    muscles = {
        split: {name: (math.nan if e is None else float(e), r) for name, (e, r) in table.items()}
        for split, table in raw.pop("muscles", {}).items()
    }
    inputs = tuple(raw.pop("inputs"))
    takes = tuple(Take.from_plain(one) for one in raw.pop("takes", ()))
    return ModelRow(inputs=inputs, cost=cost, scores=scores, muscles=muscles, takes=takes, **raw)


def without_nan(value: Any) -> Any:
    """JSON has no word for what is not a number: it becomes null."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _with_nan(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: math.nan if value is None else value for name, value in fields.items()}
