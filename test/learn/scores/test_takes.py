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

"""Takes: measured once, summed up over people, written as CSV."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from kpm_ros.learn.scores import measuring
from kpm_ros.learn.scores.measuring import Measuring, MeasuringWork
from kpm_ros.learn.scores.metrics import mean_interval
from kpm_ros.learn.scores.scored_models import find_scored_model
from kpm_ros.learn.scores.scoring import score_all
from kpm_ros.learn.scores.summaries import of_take, summary
from kpm_ros.learn.scores.take_cache import TakeCache
from kpm_ros.learn.scores.takes_csv import as_csv
from support.performances import MADE

SPLITS = ("test", "test_cross_user")


@pytest.fixture(scope="module")
def models():
    return [find_scored_model(word, MADE) for word in ("mean", "ridge")]


@pytest.fixture(scope="module")
def takes(models):
    scores = score_all(MADE, models, SPLITS, otd_points=50)
    return [take for by_split in scores.values() for one in by_split.values() for take in one.takes]


def test_what_was_measured_once_is_not_estimated_again(models, takes, tmp_path, monkeypatch):
    kept = TakeCache(tmp_path)
    score_all(MADE, models[:1], ["test"], otd_points=50, kept=kept)
    again = score_all(MADE, models, SPLITS, otd_points=50, kept=kept)
    monkeypatch.setattr(measuring, "measure", lambda *given: pytest.fail("measured again"))
    same = score_all(MADE, models, SPLITS, otd_points=50, kept=kept)
    assert same == again
    with pytest.raises(pytest.fail.Exception):
        score_all(MADE, models, SPLITS, otd_points=51, kept=kept)


def test_a_file_that_was_cut_off_is_measured_again(models, tmp_path):
    kept = TakeCache(tmp_path)
    first = score_all(MADE, models[:1], ["test"], otd_points=50, kept=kept)
    for path in tmp_path.rglob("*.json"):
        path.write_text(path.read_text()[:100])
    assert score_all(MADE, models[:1], ["test"], otd_points=50, kept=kept) == first


def test_processes_measure_only_what_is_left(models, tmp_path):
    kept = Measuring(MADE, otd_points=50, kept=TakeCache(tmp_path))
    score_all(MADE, models[:1], ["test"], otd_points=50, kept=kept.kept)
    wanted = {name: ["mean", "ridge"] for split in SPLITS for name in MADE.splits[split]}
    parts = {part.stem: part.models for part in MeasuringWork.of(kept, models, wanted).parts()}
    assert parts == {
        "t1_p1_b": ("ridge",),
        "t1_p3_a": ("mean", "ridge"),
        "t2_p3_a": ("mean", "ridge"),
    }


def test_intervals_are_of_people_where_there_are_several():
    values, people = [0.1, 0.1, 0.1, 0.5], ["a", "a", "a", "b"]
    over_people, over_takes = mean_interval(values, people=people), mean_interval(values)
    assert over_people.mean == over_takes.mean == pytest.approx(0.2)
    assert (over_people.low, over_people.high) == (pytest.approx(0.1), pytest.approx(0.5))
    assert over_takes.high < 0.5
    assert mean_interval(values, people=["a"] * 4) == over_takes


def test_the_summary_is_the_mean_over_recordings(takes):
    own = [take for take in takes if (take.model, take.test_set) == ("ridge", "test_cross_user")]
    assert len(own) == 2
    found = summary(own)
    for name in ("rmse", "slope", "false_per_h"):
        expected = np.mean([of_take(take)[name] for take in own])
        assert found[name].mean == pytest.approx(expected)
    assert of_take(own[0])["slope"] == pytest.approx(
        np.mean([one.slope for one in own[0].figures.muscles.values()])
    )


def test_every_level_stands_in_the_csv(takes):
    lines = list(csv.DictReader(io.StringIO(as_csv(takes))))
    ridge = [line for line in lines if line["model"] == "ridge" and line["measure"] == "rmse"]
    levels = {line["level"] for line in ridge}
    assert levels == {
        "overall",
        "person",
        "muscle",
        "recording",
        "muscle of a person",
        "muscle of a recording",
    }
    (overall,) = (
        line for line in ridge if line["level"] == "overall" and line["test_set"] == SPLITS[1]
    )
    assert overall["recordings"] == "2"
    (mean_lag,) = (
        line
        for line in lines
        if (line["model"], line["test_set"], line["level"]) == ("mean", "test", "overall")
        and line["measure"] == "lag_ms"
    )
    assert mean_lag["value"] == "", "an estimate that never changes has no lag"
