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

"""Training of gesture models: equal to scikit-learn's, honest about doubt, and refused in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from crepes import ConformalClassifier
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.svm import SVC

from kpm_ros.act.gestures.gesture_model import GestureModel
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.learn.gestures import training
from kpm_ros.learn.gestures.armband_files import read_armband
from kpm_ros.learn.gestures.executions import ExecutionSet
from kpm_ros.learn.gestures.gesture_report import as_text, hear_protocol, report_of, summed, told_of
from kpm_ros.learn.gestures.rows import Rows, rows_of
from kpm_ros.learn.gestures.training import TrainingSettings, train, train_baseline
from kpm_ros.models.weight_files import ModelFileError
from support.gestures import execution, executions

DATA = Path(__file__).parents[4] / "shared" / "data" / "gestures"
SETTINGS = TrainingSettings(step_s=0.05)


@pytest.fixture(scope="module")
def recorded():
    return executions()


@pytest.fixture(scope="module")
def model(recorded):
    return train(recorded, SETTINGS)


def standardised(model, rows):
    return (rows.features - model.tensors["mean"]) / model.tensors["scale"]


@pytest.mark.parametrize("gestures", [("none", "fist"), ("none", "fist", "open")])
def test_a_linear_model_says_what_scikit_learn_says(gestures):
    recorded = executions(gestures=gestures)
    model = train(recorded, SETTINGS)
    rows = rows_of(recorded, model.card.inputs, gestures, SETTINGS.onset_s)
    priors = np.full(len(gestures), 1 / len(gestures))
    lda = LinearDiscriminantAnalysis("lsqr", shrinkage=0.2, priors=priors)
    likely = lda.fit(standardised(model, rows), rows.answers).predict_proba(
        standardised(model, rows)
    )
    sureness = float(model.tensors["sureness"])
    wanted = likely**sureness / (likely**sureness).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.probabilities(rows.features), wanted, atol=1e-9)


@pytest.mark.parametrize("gestures", [("none", "fist"), ("none", "fist", "open")])
def test_a_kernel_model_decides_as_scikit_learn_does(gestures):
    recorded = executions(gestures=gestures)
    model = train(recorded, replace(SETTINGS, classifier="svm", penalty=1.0))
    rows = rows_of(recorded, model.card.inputs, gestures, SETTINGS.onset_s)
    values = standardised(model, rows)
    svm = SVC(C=1.0, gamma=1 / values.shape[1]).fit(values, rows.answers)
    answers = model.probabilities(rows.features).argmax(axis=1)
    np.testing.assert_array_equal(answers, svm.predict(values))
    if len(gestures) > 2:
        scores = svm.decision_function(values)
        np.testing.assert_allclose(model._kernel_scores(values), scores, atol=1e-9)


def test_a_model_comes_back_from_its_file_as_it_was(model, recorded, tmp_path):
    model.save(tmp_path / "model.safetensors")
    again = GestureModel.load(tmp_path / "model.safetensors")
    assert again.card == model.card
    rows = rows_of(recorded, model.card.inputs, recorded.gestures, SETTINGS.onset_s)
    np.testing.assert_array_equal(
        again.probabilities(rows.features), model.probabilities(rows.features)
    )


def test_as_many_are_rejected_as_a_conformal_classifier_rejects():
    random = np.random.default_rng(3)
    likely = random.dirichlet((2.0, 1.0, 1.0), 300)
    answers = random.integers(0, 3, 300)
    # Windows of executions of one window each: nothing is voted on.
    rows = Rows(likely, likely, answers, np.arange(300))
    found = training.thresholds(rows, likely, replace(SETTINGS, reject_rate=0.1))
    for gesture in range(3):
        own = likely[answers == gesture, gesture]
        conformal = ConformalClassifier().fit(1 - own)
        p_values = conformal.predict_p((1 - own)[:, None], smoothing=False)[:, 0]
        np.testing.assert_array_equal(own < found[gesture], p_values <= 0.1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda each: executions(repetitions=2),
            "the gesture 'none' has 2 executions, but needs at least 3",
        ),
        (lambda each: each.where(lambda e: e.gesture != "none"), "there is no rest among"),
        (lambda each: each.where(lambda e: e.gesture == "none"), "nothing but rest"),
        (
            lambda each: replace(
                each, executions=(*each.executions, execution("fist", 9, 1, samples=250))
            ),
            "labels overlap: ",
        ),
        (
            lambda each: each.and_(replace(each, rates={"emg": 1000.0})),
            "has emg at 1000 Hz, but made-up hands at 200 Hz",
        ),
        (
            lambda each: each.and_(replace(each, channels={"emg": ("x", "y", "z")})),
            "has the channels x, y, z of emg, but made-up hands has a, b, c",
        ),
    ],
)
def test_recordings_that_no_model_can_be_trained_on_are_refused_in_words(recorded, spoil, said):
    with pytest.raises(ConfigurationError, match=said):
        train(spoil(recorded), SETTINGS)


def test_signals_that_were_not_recorded_are_refused_in_words(recorded):
    with pytest.raises(ConfigurationError, match="there is none of the signals effort"):
        train(recorded, TrainingSettings({"effort": ("mean",)}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.pop("bias"), "the tensor 'bias' is missing"),
        (lambda t: t.update(bias=np.full(3, np.nan)), "must be finite numbers of the shape"),
        (lambda t: t.update(scale=np.zeros_like(t["scale"])), "not above 0"),
    ],
)
def test_a_model_file_that_does_not_fit_its_card_is_refused_in_words(model, tmp_path, spoil, said):
    broken = GestureModel(model.card, model.tensors)
    broken.tensors = dict(model.tensors)
    spoil(broken.tensors)
    broken.save(tmp_path / "broken.safetensors")
    with pytest.raises(ModelFileError, match=said):
        GestureModel.load(tmp_path / "broken.safetensors")


def test_gestures_that_are_well_told_apart_score_so(recorded):
    tested = hear_protocol(lambda some: train(some, SETTINGS), recorded, "same_day")
    report = report_of(recorded, {"lda": tested})
    found = report.rows["lda"]
    assert (found.execution_accuracy, found.found) == (1.0, 1.0)
    assert found.false_activations_per_hour == 0.0
    assert 50 < found.decision_ms < 400
    assert "gesture fist" in as_text(report)


def test_a_person_a_day_and_a_posture_are_each_left_out_in_turn():
    parts = [
        executions(person=person, day=day, posture=posture)
        for person, day, posture in (
            ("P1", "1", "sitting"),
            ("P1", "2", "standing"),
            ("P2", "1", "sitting"),
        )
    ]
    whole = parts[0].and_(parts[1]).and_(parts[2])
    from kpm_ros.learn.gestures.gesture_protocols import PROTOCOLS

    def tested(name):
        return [
            ({(e.person, e.day) for e in split.trained.executions}, split.title)
            for split in PROTOCOLS[name](whole)
        ]

    assert tested("later_days") == [({("P1", "1")}, "P1 2")]
    assert [trained for trained, _ in tested("unseen_person")] == [
        {("P2", "1")},
        {("P2", "1")},
        {("P1", "1"), ("P1", "2")},
    ]
    assert [title.split()[0] for _, title in tested("unseen_posture")] == [
        "sitting",
        "sitting",
        "standing",
    ]


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/gestures")
def test_hudgins_and_lda_reach_what_they_are_known_to_reach_and_ours_reaches_more():
    whole: ExecutionSet = read_armband(DATA, motions=8)
    some = whole.where(lambda each: each.person == "1")
    theirs = summed(told_of(hear_protocol(train_baseline, some, "later_days")))
    ours = summed(told_of(hear_protocol(lambda each: train(each, SETTINGS), some, "later_days")))
    assert theirs.window_accuracy == pytest.approx(0.7, abs=0.2)
    assert ours.window_accuracy > theirs.window_accuracy + 0.05
