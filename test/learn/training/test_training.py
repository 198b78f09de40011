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

"""Training as a whole, tiny: it learns, goes on after a kill, and leaves a complete folder."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.scores.protocols import estimate_continuous
from kpm_ros.learn.training.checkpoints import CheckpointError
from kpm_ros.learn.training.outcome import describe
from kpm_ros.learn.training.preparation import first_network
from kpm_ros.learn.training.run_folder import read_metrics
from kpm_ros.learn.training.training_loop import TrainingError, TrainingStopped, spent_s
from kpm_ros.learn.training.training_run import Training
from kpm_ros.learn.training.training_settings import TIMES, make_settings
from kpm_ros.learn.training.validation import Validation
from kpm_ros.models.intervals import Checked, Intervals, coverage
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import load
from kpm_ros.models.weight_files import load_model, save_model
from support.small_release import SPLITS, write_release

TINY = make_settings(
    "quick",
    model="pianokpm-light",
    batch=8,
    window=128,
    epochs=1.0,
    learning_rate=1e-3,
    warm_up_steps=2,
    sinkhorn_points=16,
    precision="32-true",
    check_every=3,
    score_minutes=0.01,
)
STEPS = 12
"""Of one epoch: 3 recordings of 32 windows, 8 in a batch."""
WHOLE = replace(TINY, average=0.9)
"""What a kill must not lose: a running mean of the weights, too."""


class InterruptionError(Exception):
    """Stands for whatever ends a training early."""


class Listening:
    """Hears of every step, and may do something about it."""

    def __init__(self, at=None, do=None, of="squared"):
        self.steps, self.losses, self.checks = [], [], []
        self._at, self._do, self._of = at, do, of

    def stepped(self, progress):
        self.steps.append(progress.step)
        self.losses.append(progress.losses[self._of])
        if progress.step == self._at:
            self._do()

    def checked(self, progress):
        self.stepped(progress)
        self.checks.append((progress.step, progress.checked_rmse))


def interrupt():
    raise InterruptionError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_release(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A training that was never interrupted, with what was heard of it."""
    out, heard = tmp_path_factory.mktemp("whole") / "run", Listening()
    training = Training(data=data, out=out, settings=WHOLE, recipe="quick", command="kpm train x")
    scores = training.run([heard])
    return out, heard, scores


def test_training_lowers_the_error(data, tmp_path):
    heard = Listening()
    Training(data=data, out=tmp_path / "run", settings=replace(TINY, epochs=3.0)).run([heard])
    assert heard.steps == [*range(1, 3 * STEPS + 1)]
    assert heard.losses[-1] < 0.8 * heard.losses[0]
    assert heard.checks[-1][1] < 0.85 * heard.checks[0][1]


def test_checks_come_as_often_as_asked_for(whole):
    _, heard, _ = whole
    assert [step for step, _ in heard.checks] == [3, 6, 9, 12]


def test_the_run_folder_is_complete(whole, data):
    out, _, scores = whole
    files = {path.name for path in out.iterdir()}
    expected = {"config.json", "metrics.csv", "curves.png", "scores.json"}
    assert files == expected | {"model.safetensors", "last.ckpt"}
    config = json.loads((out / "config.json").read_text())
    assert config["settings"]["window"] == 128
    assert (config["recipe"], config["data"]["simulated"]) == ("quick", True)
    assert len(config["data"]["fingerprint"]) == 64
    assert config["data"]["trained_on"] == SPLITS["train"]
    assert config["versions"]["torch"] == torch.__version__
    assert {"command", "git", "engine", "machine"} <= set(config)
    assert json.loads((out / "scores.json").read_text())["splits"] == scores
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    rows = read_metrics(out / "metrics.csv")
    assert [row["step"] for row in rows] == [*range(1, STEPS + 1)]
    assert all(np.isfinite(row["transport"]) for row in rows)
    assert [row["step"] for row in rows if "validation_rmse" in row] == [3, 6, 9, 12]


def test_the_card_says_where_in_pictures_hands_were(whole):
    card, _ = load_model(whole[0] / "model.safetensors")
    measures = ("across", "down", "wide", "tall")
    views = [view.name for view in card.streams.landmarks]
    assert set(card.familiar) == {f"{view}_{measure}" for view in views for measure in measures}


def test_the_model_says_that_it_is_simulated_and_how_it_came_about(whole):
    out, _, scores = whole
    card, _ = load_model(out / "model.safetensors")
    assert card.trained_on.startswith("simulated recordings: 0.2 minutes, 3 recordings of 2 people")
    assert "SIMULATED" in card.trained_on
    assert card.notes.startswith("recipe quick, from random weights")
    assert card.notes.endswith("Command: kpm train x")
    assert card.scores["test_cross_user_rmse"] == scores["test_cross_user"]["rmse"]
    assert card.scores["val_baseline_mean_rmse"] > 0
    assert "test_cross_task" not in scores
    assert len(card.offset) == len(card.scale) == card.streams.width
    assert card.streams.names == ("top", "right", "keys")


def test_the_model_says_how_far_off_it_is_of_somebody_new(whole, data):
    out, _, _ = whole
    model = load(out / "model.safetensors")
    assert (
        "Intervals calibrated on 1 person of test_cross_user, new to it." in model.card.trained_on
    )
    intervals = Intervals.of(model.card)
    assert intervals is not None
    dataset = open_dataset(data)
    for one in dataset.on_grid(dataset.splits["test_cross_user"], model.card):
        said = estimate_continuous(model, one)
        within = coverage(intervals, Checked(one.person, said, one.effort))
        assert np.nanmean(within) > 0.8


def test_a_model_of_recorded_people_does_not_say_simulated(tmp_path):
    data = write_release(tmp_path / "real", simulated=False, seconds=1)
    settings = replace(TINY, model="ridge")
    Training(data=data, out=tmp_path / "run", settings=settings).run()
    card = load(tmp_path / "run" / "model.safetensors").card
    assert "imulated" not in card.trained_on + card.notes
    assert card.licence == ""


def test_a_killed_training_goes_on_to_the_identical_result(whole, data, tmp_path):
    out, _, _ = whole
    parts = Training(data=data, out=tmp_path / "run", settings=WHOLE, recipe="quick")
    parts = replace(parts, command="kpm train x")
    with pytest.raises(InterruptionError):
        parts.run([Listening(at=8, do=interrupt)])  # two steps after the last checkpoint
    heard = Listening()
    parts.run([heard])
    assert heard.steps == [*range(7, STEPS + 1)]
    same = [(path / "model.safetensors").read_bytes() for path in (out, tmp_path / "run")]
    assert same[0] == same[1]
    rows = [read_metrics(path / "metrics.csv") for path in (out, tmp_path / "run")]
    for one, other in zip(*rows, strict=True):
        del one["elapsed_s"], other["elapsed_s"]
        assert one == other


def test_a_training_that_is_asked_to_stop_saves_what_it_has_learnt(data, tmp_path):
    training = Training(data=data, out=tmp_path / "run", settings=replace(TINY, average=0.9))
    stop = Listening(at=5, do=lambda: signal.raise_signal(signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(TrainingStopped):
        training.run([stop])
    assert signal.getsignal(signal.SIGINT) is before
    heard = Listening(at=7, do=interrupt)
    with pytest.raises(InterruptionError):
        training.run([heard])
    assert heard.steps == [6, 7]


def test_a_training_without_improvement_ends_when_patience_does(data, tmp_path):
    settings = replace(TINY, learning_rate=1e-12, check_every=1, patience=2)
    heard = Listening()
    Training(data=data, out=tmp_path / "run", settings=settings).run([heard])
    errors = [error for _, error in heard.checks]
    assert len(errors) < STEPS
    assert min(errors[:-2]) <= min(errors[-2:])


def test_a_network_of_two_stages_is_checked_once_the_first_is_over(data, tmp_path):
    settings = make_settings(
        "quick", model="codetalker-light", lookahead=95, steps=6, check_every=1, patience=1
    )
    settings = replace(settings, check_minutes=0.01, score_minutes=0.01)
    heard = Listening(of="loss")
    out = tmp_path / "run"
    Training(data=data, out=out, settings=settings).run([heard])
    assert [step for step, _ in heard.checks] == [5, 6]
    rows = read_metrics(out / "metrics.csv")
    assert [row["step"] for row in rows if "motion" in row] == [5, 6]
    card, _ = load_model(out / "model.safetensors")
    assert "losses of its own (reconstruction, coding, motion, codes)" in card.notes


def test_training_ends_at_its_time_limit(data, tmp_path):
    settings = replace(TINY, time_limit_min=1e-6, epochs=1000.0)
    training, heard = Training(data=data, out=tmp_path / "run", settings=settings), Listening()
    training.run([heard])
    assert heard.steps == [1]
    (tmp_path / "run" / "scores.json").unlink()  # as if it was killed before it was scored
    training.run([heard])
    assert heard.steps == [1]


def test_a_limit_of_processor_time_does_not_run_while_others_have_the_processor():
    settings = {name: replace(TINY, time_limit_of=name) for name in TIMES}
    before = {name: spent_s(one) for name, one in settings.items()}
    threading.Event().wait(0.3)
    spent = {name: spent_s(one) - before[name] for name, one in settings.items()}
    assert spent["clock"] >= 0.3
    assert spent["processor"] < 0.15


def test_a_loss_that_is_no_number_ends_the_training_in_words(data, tmp_path):
    settings = replace(TINY, learning_rate=1e30)
    with pytest.raises(TrainingError, match=r"at step \d+: train with a lower learning rate than"):
        Training(data=data, out=tmp_path / "run", settings=settings).run()


def test_part_of_the_data_is_drawn_by_the_seed(data, tmp_path):
    settings = replace(TINY, model="ridge", max_train_minutes=5 / 60)
    Training(data=data, out=tmp_path / "run", settings=settings).run()
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert len(config["data"]["trained_on"]) == 2
    words = load(tmp_path / "run" / "model.safetensors").card.trained_on
    assert words.startswith("simulated recordings: 0.1 minutes")


def test_a_model_is_fine_tuned_from_another(whole, data, tmp_path):
    out, _, _ = whole
    start = str(out / "model.safetensors")
    settings = replace(TINY, init_from=start, lookahead=0, epochs=0.1, learning_rate=1e-12)
    Training(data=data, out=tmp_path / "run", settings=settings).run()
    (before, tensors), (after, tuned) = (
        load_model(path / "model.safetensors") for path in (out, tmp_path / "run")
    )
    assert after.lookahead == 0
    assert after.offset == before.offset
    assert all(np.array_equal(tensors[name], tuned[name]) for name in tensors)
    # It has met what the other one had, which was trained on the same.
    assert after.seen == before.seen
    assert Seen.from_card(before.seen).takes
    other = replace(settings, model="pianokpm")
    with pytest.raises(ValueError, match="its architecture is 'pianokpm-light'"):
        Training(data=data, out=tmp_path / "other", settings=other).run()


def test_a_fine_tuned_model_has_met_all_that_its_base_has(whole, data, tmp_path):
    out, _, _ = whole
    card, tensors = load_model(out / "model.safetensors")
    test_take = open_dataset(data).identities["t1_p3_1"].take
    base = tmp_path / "base.safetensors"
    save_model(base, replace(card, seen=Seen(takes=test_take).on_card()), tensors)
    settings = replace(TINY, init_from=str(base), epochs=0.1)
    scores = Training(data=data, out=tmp_path / "run", settings=settings).run()
    tuned = Seen.from_card(load_model(tmp_path / "run" / "model.safetensors")[0].seen)
    assert tuned.takes == test_take | Seen.from_card(card.seen).takes
    left_out = {"recordings": 0, "of": 1, "seen_in_training": {"t1_p3_1": "take"}}
    assert scores["test_cross_user"] == {**left_out, "protocol": "continuous"}
    assert any("not scored: 1 of 1 recordings left out" in line for line in describe(scores))


def test_that_nobody_knows_what_a_base_has_met_is_handed_on(whole, tmp_path):
    out, _, _ = whole
    card, tensors = load_model(out / "model.safetensors")
    base = tmp_path / "base.safetensors"
    save_model(base, replace(card, name="of somewhere", seen={}), tensors)
    tuned, _ = first_network(card, [], replace(TINY, init_from=str(base)))
    assert Seen.from_card(tuned.seen) == Seen(unknown=frozenset({"of somewhere"}))


def test_a_model_that_can_do_without_a_sense_is_scored_without_it(data, tmp_path):
    settings = replace(TINY, drop_senses=0.5, epochs=0.1)
    scores = Training(data=data, out=tmp_path / "run", settings=settings).run()
    card, _ = load_model(tmp_path / "run" / "model.safetensors")
    assert card.optional == ("pose", "keys")
    assert {"without_pose_rmse", "without_keys_rmse"} <= set(scores["val"])
    assert "one sense missing in 50% of the windows" in card.notes


@pytest.mark.parametrize("senses", [("pose",), ("keys",)])
def test_a_model_is_trained_for_one_sense(data, tmp_path, senses):
    settings = replace(TINY, inputs=senses, epochs=0.1)
    Training(data=data, out=tmp_path / "run", settings=settings).run()
    card, _ = load_model(tmp_path / "run" / "model.safetensors")
    assert tuple(card.streams.senses) == senses


@pytest.mark.parametrize("teacher", [False, True])
def test_the_published_recipe_runs_and_is_scored_as_published(data, tmp_path, teacher):
    small = {"model": "pianokpm-light", "epochs": 0.1, "batch": 2, "sinkhorn_points": 64}
    settings = make_settings("published", **small, teacher_forcing=teacher, score_minutes=0.01)
    scores = Training(data=data, out=tmp_path / "run", settings=settings).run()
    assert scores["val"]["protocol"] == "published"


def test_a_finished_training_is_not_done_again(whole, data):
    out, _, _ = whole
    with pytest.raises(ValueError, match="is complete"):
        Training(data=data, out=out, settings=TINY).run()


def test_a_folder_of_another_training_is_refused(data, tmp_path):
    training = Training(data=data, out=tmp_path / "run", settings=TINY)
    with pytest.raises(InterruptionError):
        training.run([Listening(at=4, do=interrupt)])
    with pytest.raises(CheckpointError, match=r"with batch 8, not 9"):
        replace(training, settings=replace(TINY, batch=9)).run()
    other = write_release(tmp_path / "other", seconds=2)
    with pytest.raises(CheckpointError, match="with data "):
        replace(training, data=other).run()


def test_a_folder_with_other_things_is_left_alone(data, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ValueError, match="holds other things than a training"):
        Training(data=data, out=tmp_path, settings=TINY).run()
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_hostile_checkpoint_is_refused_and_runs_no_code(data, tmp_path):
    mark = tmp_path / "code_was_run"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(mark),)

    training = Training(data=data, out=tmp_path / "run", settings=TINY)
    with pytest.raises(InterruptionError):
        training.run([Listening(at=4, do=interrupt)])
    path = tmp_path / "run" / "last.ckpt"
    torch.save({**torch.load(path, weights_only=True), "callbacks": Trap()}, path)
    with pytest.raises(CheckpointError, match="not a checkpoint of a training"):
        training.run()
    assert not mark.exists()


def test_the_best_step_is_kept_though_it_was_before_a_kill(data, tmp_path, monkeypatch):
    kept = []
    for name in ("whole", "parts"):
        errors = iter([0.2, 0.9, 0.9])
        scripted = lambda *_, errors=errors: torch.tensor([[next(errors) ** 2, 1.0]])  # noqa: E731
        monkeypatch.setattr(Validation, "errors", scripted)
        training = Training(data=data, out=tmp_path / name, settings=replace(TINY, epochs=0.75))
        if name == "parts":
            with pytest.raises(InterruptionError):
                training.run([Listening(at=8, do=interrupt)])  # the last checkpoint is of step 6
        training.run()
        path = tmp_path / name / "model.safetensors"
        assert "best at step 3." in load_model(path)[0].notes
        kept.append(path.read_bytes())
    assert kept[0] == kept[1]
