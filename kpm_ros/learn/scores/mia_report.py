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

"""The tables of Muscles in Action as data, and as the JSON file that keeps them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kpm_ros.core.foreign_files import LISTING_BYTES, read_text
from kpm_ros.learn.scores.exercise_scores import ExerciseScores
from kpm_ros.learn.scores.score_table import without_nan

LEFT_OUT_SETS = {
    "left_out_exercise": "each exercise by a model that was trained without it",
    "left_out_person": "each person by a model that was trained without them",
}
"""Test sets that several trainings make together."""


@dataclass(frozen=True)
class LengthScores:
    """RMSE at each length of what a model is given."""

    split: str
    windows: int
    seconds: tuple[float, ...]
    rmse: Mapping[str, tuple[float, ...]]
    """By model."""


@dataclass(frozen=True)
class TransferScores:
    """RMSE on a new person, by the number of exercises that were seen of them."""

    person: str
    windows: int
    tested: tuple[str, ...]
    """The exercises that it is scored on, of which nothing was trained on."""
    exercises: tuple[int, ...]
    from_scratch: tuple[float | None, ...]
    fine_tuned: tuple[float | None, ...]
    """None where that training is not complete."""
    before: float | None = None
    """Of the model that fine-tuning began with."""
    base: str = ""


@dataclass(frozen=True)
class PoseScores:
    """How near poses made from muscles came."""

    split: str
    windows: int
    error: Mapping[str, float]
    """By model: mean distance of joints."""
    unit: str
    turned: Mapping[str, float] = field(default_factory=dict)
    """In metres, the same apart from which way somebody faces."""


@dataclass(frozen=True)
class MiaReport:
    """Everything of one report."""

    simulated: bool
    data: str
    """What the data set says of itself."""
    people: int
    minutes: float
    """Of all that was scored."""
    fingerprint: str
    split_file: str
    muscles: tuple[str, ...]
    unit: str
    protocol: str
    models: Mapping[str, str]
    """What each is."""
    exercises: Mapping[str, Mapping[str, ExerciseScores]]
    """By test set, then by model."""
    lengths: LengthScores | None = None
    transfer: TransferScores | None = None
    pose: PoseScores | None = None
    short: int = 0
    """Recordings that are shorter than a window."""
    cpu: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""

    def to_json(self) -> str:
        """Write everything, and for readers the mean of the exercises beside the pooled one."""
        raw = asdict(self)
        for split, models in self.exercises.items():
            for name, scores in models.items():
                raw["exercises"][split][name]["mean"] = scores.mean
        return json.dumps({"report": "mia", **without_nan(raw)}, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> MiaReport:
        """Read back what `to_json` wrote; anything else is a ValueError."""
        try:
            raw = json.loads(text)
            if raw.pop("report") != "mia":
                raise ValueError("it is another report")
            exercises = {
                split: {name: _scores(one) for name, one in models.items()}
                for split, models in raw.pop("exercises").items()
            }
            lengths, transfer, pose = (raw.pop(name) for name in ("lengths", "transfer", "pose"))
            return cls(
                exercises=exercises,
                muscles=tuple(raw.pop("muscles")),
                lengths=lengths and LengthScores(**_tuples(lengths)),
                transfer=transfer and TransferScores(**_tuples(transfer)),
                pose=pose and PoseScores(**pose),
                **raw,
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"no tables as `kpm evaluate --report mia` writes them: {error}"
            ) from None


def read_mia_report(path: Path) -> MiaReport:
    """Read a report's file."""
    try:
        return MiaReport.from_json(read_text(path, LISTING_BYTES))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _scores(raw: dict[str, Any]) -> ExerciseScores:
    raw.pop("mean")
    raw["pooled"] = math.nan if raw["pooled"] is None else raw["pooled"]
    raw["muscles"] = {n: math.nan if v is None else v for n, v in raw["muscles"].items()}
    return ExerciseScores(met=tuple(raw.pop("met")), **raw)


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    """Turn JSON's lists into what they were."""
    deeper = raw.get("rmse")
    if deeper:
        raw["rmse"] = {name: tuple(values) for name, values in deeper.items()}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
