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

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.learn.motion_training.clips import open_clips
from kpm_ros.learn.scores.motion_makers import find_maker
from kpm_ros.learn.scores.motion_scoring import MotionScoring
from kpm_ros.motion.columns import columns_of, motion_of
from kpm_ros.motion.published_camera import as_seen
from kpm_ros.motion.scores.published_figures import FIGURES, PUBLISHED
from kpm_ros.operate import evaluate_motion
from support.movements import movement, movements


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = movements(tmp_path_factory.mktemp("data") / "hands", train=1, valid=2)
    for name in ("m1", "m2"):
        one = HandMotion.load(folder / f"{name}.npz")
        known = motion_of(columns_of(one), one.rate_hz, one.frame, simulated=True, title=name)
        known.save(folder / f"{name}.npz")
    return folder


def scoring(data, encode=None):
    return MotionScoring(open_clips(data, by_notes=True).splits["test"], 1, encode)


def made_by(word):
    return find_maker(word, 5, 1, dict)


def test_what_was_played_is_as_near_as_can_be_and_other_movements_are_not(data, tmp_path) -> None:
    for number, name in enumerate(("m1", "m2")):
        other = movement(seed=7 + number, shift_m=0.05)
        known = motion_of(columns_of(other), other.rate_hz, other.frame, simulated=True)
        as_seen(known).save(tmp_path / f"{name}.npz")

    def encode(windows):
        assert windows.shape[1:] == (96, 240)
        return windows.mean(axis=2)[:, :2].astype(np.float64)

    one, found = scoring(data, encode), []
    for word in ("played", f"others={tmp_path}"):
        name, _, make = made_by(word)
        found.append(one.score(name, make, lambda what: None).figures)
    played, others = found
    for side in ("right", "left"):
        for figure in (*FIGURES, "pd_visible", "pd_as_written", "fgd_visible"):
            assert played[f"{side}_{figure}"] == pytest.approx(0, abs=1e-5)
            assert others[f"{side}_{figure}"] > 1e-4
    assert played["feature_distance"] == pytest.approx(0, abs=1e-9)
    assert others["feature_distance"] > 0
    assert np.isnan(played["within_joint_limits"])  # of turns alone no joints are known
    assert played["times_real_time"] > 0


def test_movements_of_another_rate_and_span_are_compared_in_the_frames_that_were_played(
    data, tmp_path
) -> None:
    for name in ("m1", "m2"):
        longer = HandMotion.load(data / f"{name}.npz").resampled(60.0)
        longer.save(tmp_path / f"{name}.npz")
    name, _, make = made_by(f"fast={tmp_path}")
    figures = scoring(data).score(name, make, lambda what: None).figures
    assert figures["right_pd_visible"] == pytest.approx(0, abs=1e-4)
    assert np.isnan(figures["feature_distance"])


def test_a_camera_that_nobody_knows_is_not_brought_to_the_keys(data, tmp_path) -> None:
    folder = movements(tmp_path / "seen", train=1, valid=1)
    for name in ("m0", "m1"):
        seen = as_seen(HandMotion.load(folder / f"{name}.npz"))
        replace(seen, simulated=False).save(folder / f"{name}.npz")
    name, _, make = made_by(f"at_keys={data}")
    with pytest.raises(ValueError, match="nobody knows where its camera was"):
        scoring(folder).score(name, make, lambda what: None)
    name, _, make = made_by("played")
    figures = scoring(folder).score(name, make, lambda what: None).figures
    assert figures["onset_f1"] == 0
    assert figures["right_pd_as_coded"] == 0


def test_one_command_makes_the_table_with_the_published_figures_beside(
    data, tmp_path, capsys
) -> None:
    from kpm_ros.cli import main

    words = ["evaluate", str(data), "--report", "motion", "--models", "played"]
    out = tmp_path / "report.json"
    assert main([*words, "--json", str(out), "--markdown", str(tmp_path / "report.md")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("SIMULATED hands")
    assert "(large HuB-TF, published)" in said
    assert "0.351" in said
    plain = json.loads(out.read_text())
    assert plain["makers"]["played"]["left_fgd_as_coded"] == pytest.approx(0, abs=1e-6)
    assert plain["makers"]["played"]["feature_distance"] is None
    assert "SIMULATED" in (tmp_path / "report.md").read_text()


def test_what_the_report_has_not_is_refused_at_once(data, capsys) -> None:
    from kpm_ros.cli import main

    for more, said in (
        (["--report", "motion", "--html", "a.html"], "--html is of --report accuracy"),
        (["--steps", "5"], "--steps is of --report motion"),
        (["--report", "motion", "--split", "nights"], "has no movements in nights"),
        (["--report", "motion", "--models", "played", "a=played", "played"], "one name"),
    ):
        assert main(["evaluate", str(data), *more]) == 2
        assert said in capsys.readouterr().err
    assert evaluate_motion.NAME == "motion"
    assert all(len(one.left) == len(one.right) == len(FIGURES) for one in PUBLISHED.values())
