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

"""The tables of Muscles in Action: what is scored, by which rule, and what stands in them."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from kpm_ros.learn.recordings.cutting import cut
from kpm_ros.learn.recordings.recording import RecordingError
from kpm_ros.learn.scores.body_windows import PROTOCOLS, at_instants, evenly, windows_of
from kpm_ros.learn.scores.exercise_scores import ExerciseErrors, estimated
from kpm_ros.learn.scores.input_length import LENGTHS_S, pieces
from kpm_ros.learn.scores.mia_report import LengthScores, MiaReport, PoseScores, TransferScores
from kpm_ros.learn.scores.mia_report_text import as_markdown, as_text, tables
from kpm_ros.learn.scores.published_figures import published_figures
from support.body_set import MUSCLES, UNIT, make_body

BODY = make_body(1, "Squat", 1)


def report(**given) -> MiaReport:
    errors = ExerciseErrors(MUSCLES)
    ones, none = np.ones((30, 8), np.float32), np.zeros((30, 8), np.float32)
    errors.add("Squats", none, 3 * ones)
    errors.add("Twist", none, ones)
    errors.add("Twist", none, ones)
    fields = {
        "simulated": True,
        "data": "made up",
        "people": 1,
        "minutes": 0.1,
        "fingerprint": "0" * 64,
        "split_file": "splits.json",
        "muscles": MUSCLES,
        "unit": UNIT,
        "protocol": "windows",
        "models": {"nearest": "a neighbour", "ours": ""},
        "exercises": {"test": {"nearest": errors.result(), "ours": errors.result(["p1_Squat_1"])}},
    }
    return MiaReport(**{**fields, **given})


def test_a_stretch_of_a_recording_holds_nothing_from_before_or_after_it():
    part = cut(BODY, 3.0, 4.5)
    frames, whole = part.series[0], BODY.series[0]
    assert len(frames) == 15
    np.testing.assert_array_equal(frames.values, whole.values[30:45])
    np.testing.assert_array_equal(frames.stamps_ns, whole.stamps_ns[30:45])
    np.testing.assert_array_equal(part.truth.values, BODY.truth.values[60:90])
    assert part.truth.start_s == 3.0
    stamped = replace(whole, stamps_s=np.arange(len(whole)) / 10 + 0.05)
    late = cut(replace(BODY, series=(stamped,)), 3.0, 4.5).series[0]
    np.testing.assert_allclose(late.stamps_s[[0, -1]], (3.05, 4.45))
    with pytest.raises(RecordingError, match=r"is 6\.50 s long: there is nothing from 7 s"):
        cut(BODY, 7, 8)


def test_windows_follow_each_other_and_are_scored_at_ten_instants_a_second():
    windows = windows_of(BODY)
    assert [one.start_s for one in windows] == [0, 3]
    assert windows[1].alone.duration_s == 3
    np.testing.assert_array_equal(windows[1].truth, BODY.truth.values[60:120:2])
    # At a rate that has no sample at an instant, on a line between two.
    line = np.arange(100, dtype=np.float32)[:, None]
    np.testing.assert_allclose(at_instants(line, 25.0, 0.0)[:3, 0], (0, 2.5, 5))
    assert [one.start_s for one in evenly(windows * 5, 2)] == [0, 3]


@pytest.mark.parametrize("length_s", LENGTHS_S)
def test_every_instant_is_scored_once_at_every_length(length_s):
    found = list(pieces(length_s))
    scored = [instant for one in found for instant in range(one.scored, one.stop)]
    assert scored == list(range(30))
    assert {one.stop - one.first for one in found} == {max(1, round(length_s * 10))}


def test_a_length_that_windows_do_not_have_is_refused():
    for length_s in (0.25, 3.5):
        with pytest.raises(ValueError, match="give 0, or tenths of a second up to 3"):
            list(pieces(length_s))


def test_the_papers_mean_is_over_all_windows_and_the_other_over_rows():
    scores = report().exercises["test"]["ours"]
    assert scores.rmse == {"Squats": 3.0, "Twist": 1.0}
    assert scores.windows == {"Squats": 1, "Twist": 2}
    assert scores.mean == 2.0
    assert scores.pooled == pytest.approx(np.sqrt((9 + 1 + 1) / 3), abs=1e-5)
    assert scores.muscles["RHam"] == scores.pooled


def test_the_published_mean_is_the_pooled_one():
    """Which the page says, and our table goes by: it is not the mean of the published rows."""
    for one in published_figures().exercises[0].sets.values():
        rows = np.array(list(one.rows.values()))
        assert len(rows) == 20
        pooled, mean = np.sqrt((rows**2).mean(axis=0)), rows.mean(axis=0)
        np.testing.assert_allclose(pooled, one.pooled, atol=0.25)
        assert (abs(pooled - one.pooled) < abs(mean - one.pooled)).all()
    again = published_figures().exercises[1].sets["test"]
    np.testing.assert_allclose(np.mean(list(again.rows.values()), axis=0), again.mean, atol=0.006)


FULL = report(
    lengths=LengthScores("test", 4, LENGTHS_S, {"ours": (7.0, 6, 5, 4, 3, 2, 1)}),
    transfer=TransferScores("p4", 3, ("Curl",), (1, 2), (0.4, None), (0.3, 0.2), 0.35, "base"),
    pose=PoseScores("test", 4, {"to-pose": 0.0456}, "m"),
)


def test_a_report_is_read_back_from_its_file_as_it_was():
    assert MiaReport.from_json(FULL.to_json()) == FULL
    for text in ("{}", "[]", '{"report": "other"}', FULL.to_json().replace('"unit"', '"unite"')):
        with pytest.raises(ValueError, match="no tables as `kpm evaluate --report mia` writes"):
            MiaReport.from_json(text)


def test_published_figures_stand_beside_ours_with_what_differs():
    text = as_text(FULL)
    assert text.startswith("SIMULATED bodies and muscles")
    lines = {}
    for line in text.splitlines():
        name, _, figures = line.strip().partition("  ")
        lines[name] = figures.split()
    # An exercise is known by its other names, too; the figures are those of the paper.
    paper, again = ["15.60", "9.60", "7.00", "7.20"], ["13.86", "13.54"]
    assert lines["Squats"] == ["1", "3.00", "3.00", *paper, *again]
    assert lines["all, pooled"][-6:-2] == ["20.70", "13.20", "9.40", "9.00"]
    assert lines["mean of rows"][-2:] == ["10.55", "10.77"]
    relative = ["1.00", "1.00", "1.57", "1.00", "0.71", "0.68"]
    assert lines["all, pooled, of nearest's"][:6] == relative
    for words in (
        "which is what the paper's row Mean is",
        "Ours: SIMULATED bodies, 1 of them",
        "2 people, 20 exercises, 2 h, recorded",
        "Figures of SIMULATED bodies, in fraction of maximum, and of people in counts of the",
        "ours has met 1 recordings of test in training: left out",
        "to-pose",
        "fine-tuned is below from scratch",
    ):
        assert words in text, words
    page = as_markdown(FULL)
    assert "| fine-tuned | 0.350 | 0.300 | 0.200 |" in page
    assert "| from scratch | - | 0.400 | - |" in page
    assert "| ours | 7.00 | 6.00 | 5.00 | 4.00 | 3.00 | 2.00 | 1.00 |" in page
    assert "| Transformer [L] | 12.60 |" in page


def test_recorded_people_are_not_called_simulated():
    text = as_text(report(simulated=False, unit="counts of the sensor"))
    assert text.startswith("Recorded people")
    assert "cannot be compared" not in text


def test_a_model_that_has_met_every_recording_has_no_figures():
    nothing = ExerciseErrors(MUSCLES).result(["p1_Squat_1"])
    made = report(exercises={"test": {"ours": nothing}})
    for shown in (made, MiaReport.from_json(made.to_json())):
        assert all(math.isnan(rmse) for rmse in shown.exercises["test"]["ours"].muscles.values())
        [table] = [part for part in tables(shown) if part.heading.startswith("Each muscle")]
        assert {row[1] for row in table.rows} == {"-"}


def test_no_model_is_scored_on_what_is_no_number(monkeypatch):
    model = SimpleNamespace(card=SimpleNamespace(name="broken"))
    nan = np.full((30, 8), np.nan, np.float32)
    monkeypatch.setitem(PROTOCOLS, "windows", ("", lambda model, windows: iter([nan])))
    with pytest.raises(ValueError, match="broken put out something that is no number on"):
        list(estimated(model, windows_of(BODY)[:1], "windows"))
