"""Training as a whole, tiny: it learns, resumes, writes an honest file and refuses nonsense."""

from __future__ import annotations

import dataclasses
import itertools
import os
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from kpm_ros.estimate.weights import load_model, save_model
from kpm_ros.learn import train as training
from kpm_ros.learn.checkpoints import Checkpoint, CheckpointError
from kpm_ros.learn.fit import Fit, FitSettings, TrainingError, checkpoint_path
from kpm_ros.learn.performances import Performances, Recipe, pose_normalisation, simulate
from kpm_ros.learn.start import fresh_network

TINY = ["--architecture", "pianokpm-light", "--minutes", "0.4", "--persons", "3"]
TINY += ["--held-out", "1", "--batch", "6", "--check-every", "4", "--seed", "5"]


@pytest.fixture(scope="module")
def performances() -> Performances:
    return simulate(Recipe(minutes=0.4, persons=3, held_out=1, seed=5))


@pytest.fixture
def card(performances):
    offset, scale = pose_normalisation(performances.training)
    return training.ModelCard(
        architecture="pianokpm-light",
        pose_offset=tuple(offset.tolist()),
        pose_scale=tuple(scale.tolist()),
    )


def tiny_fit(performances, card, folder, settings, check=lambda network: 1.0):
    network = fresh_network(card, performances.training, seed=5)
    checkpoint = Checkpoint(folder / "tiny.checkpoint", {"seed": 5})
    return Fit(network, performances.training, check, settings, checkpoint)


def weights(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(one, other):
    return all(torch.equal(one[name], other[name]) for name in one)


def test_training_lowers_the_loss(performances, card, tmp_path):
    settings = FitSettings(epochs=4, batch=8, warm_up_steps=5, learning_rate=1e-3, check_every=999)
    losses = []
    steady = itertools.count(-1.0, -1.0)  # an ever better check: the last step is the best one
    fit = tiny_fit(performances, card, tmp_path, settings, lambda network: next(steady))
    fit.run(lambda progress: losses.append(progress.loss))
    assert fit.progress.step == len(losses) == 4 * fit.order.steps_per_epoch
    assert losses[-1] < 0.8 * losses[0]


def test_a_fresh_network_sees_small_movements_as_well_as_large_ones(performances, card):
    rows = np.concatenate([one.pose[::32] for one in performances.training])
    offset, scale = np.array(card.pose_offset), np.array(card.pose_scale)
    variance, directions = np.linalg.eigh(np.cov(((rows - offset) / scale).T))
    moves = directions * np.sqrt(np.maximum(variance, 0))  # each as large as such movements are
    weights = fresh_network(card, performances.training, 5).get_parameter("pose.0.conv.weight")
    seen = np.linalg.norm(weights.detach().numpy().sum(axis=2) @ moves, axis=0)
    hand, fingers = seen[-1], seen[-12]
    assert variance[-1] > 50 * variance[-12]
    assert 0.3 < hand / fingers < 3


@pytest.mark.parametrize("lookahead", [0, 31])
def test_a_fresh_network_hands_its_input_on_at_its_own_instant(performances, card, lookahead):
    card = dataclasses.replace(card, lookahead=lookahead)
    network = fresh_network(card, performances.training, seed=5)
    one = performances.training[0]
    keys = torch.from_numpy(one.keys[:300].T)[None]
    pose = torch.from_numpy(one.pose[:300].T.copy())[None]
    moved = pose.clone()
    moved[:, :, 150] += network.pose_scale[:, 0] * torch.linspace(-2, 2, pose.shape[1])
    with torch.no_grad():
        change = (network.encode(moved, keys) - network.encode(pose, keys))[0].square().sum(dim=0)
    # The first layer spreads it over 11 instants; what is passed through stays among them.
    before = 5 if lookahead else 0
    assert change[150 - before : 161 - before].sum() > 0.6 * change.sum()


def test_a_fresh_network_follows_from_its_seed(performances, card):
    networks = [weights(fresh_network(card, performances.training, seed)) for seed in (5, 5, 6)]
    assert same(networks[0], networks[1])
    assert not same(networks[0], networks[2])


class InterruptionError(Exception):
    """Stands for whatever ends a training early."""


def test_an_interrupted_training_goes_on_to_the_identical_result(performances, card, tmp_path):
    settings = FitSettings(epochs=2, batch=6, check_every=3, seed=5)
    whole = tiny_fit(performances, card, tmp_path / "whole", settings)
    whole.run()

    def interrupt(progress):
        if progress.step == 5:  # two steps after the last checkpoint
            raise InterruptionError

    first = tiny_fit(performances, card, tmp_path / "parts", settings)
    with pytest.raises(InterruptionError):
        first.run(interrupt)
    seen = []
    second = tiny_fit(performances, card, tmp_path / "parts", settings)
    second.run(lambda progress: seen.append(progress.step))
    assert seen[0] == 4
    assert seen[-1] == whole.progress.step
    assert same(weights(whole.network), weights(second.network))
    assert second.progress.loss == whole.progress.loss


def test_the_best_step_by_the_check_is_kept(performances, card, tmp_path):
    settings = FitSettings(epochs=2, batch=6, check_every=2, seed=5)
    results = itertools.chain([0.5, 0.2], itertools.repeat(0.9))
    looked = []

    def check(network):
        looked.append(weights(network))
        return next(results)

    fit = tiny_fit(performances, card, tmp_path, settings, check)
    fit.run()
    assert fit.progress.best_step == 4
    assert len(looked) > 2
    assert same(weights(fit.network), looked[1])
    assert not same(weights(fit.network), looked[-1])


def test_training_ends_at_its_time_limit(performances, card, tmp_path):
    settings = FitSettings(epochs=10_000, batch=2, time_limit_s=1e-6)
    fit = tiny_fit(performances, card, tmp_path, settings)
    fit.run()
    assert fit.progress.step == 1
    assert fit.learning_rate() == 0


def test_a_loss_that_is_no_number_ends_the_training_in_words(performances, card, tmp_path):
    fit = tiny_fit(performances, card, tmp_path, FitSettings(epochs=1, batch=2))
    with torch.no_grad():
        fit.network.features.bias.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"lower learning rate than 0\.0003"):
        fit.run()


def test_the_command_writes_a_file_that_says_simulated(tmp_path, capsys):
    out = tmp_path / "new" / "tiny.safetensors"
    words = [*TINY, "--epochs", "0.5", "--lookahead", "4", "--out", str(out)]
    assert training.main(words) == 0
    assert "RMSE" in capsys.readouterr().out
    card, tensors = load_model(out)
    assert card.name == "tiny"
    assert card.lookahead == 4
    assert card.licence == "Apache-2.0"
    assert "simulated" in card.trained_on
    assert "says nothing about people" in card.trained_on
    assert "0.4 minutes" in card.trained_on
    assert "seeds 5000..5002" in card.trained_on
    assert "--lookahead 4" in card.notes
    assert {"rmse", "correlation_ADM", "notes_only_rmse", "baseline_mean_rmse"} <= set(card.scores)
    assert "baseline_ridge_rmse" in card.scores
    assert len(card.pose_offset) == len(card.pose_scale) == card.pose_channels
    assert all(np.isfinite(array).all() for array in tensors.values())
    assert [path.name for path in out.parent.iterdir()] == [out.name]

    assert card.inputs == ("pose", "keys")
    assert card.optional == ()

    tuned = tmp_path / "tuned.safetensors"
    words = [*TINY, "--epochs", "0.2", "--lookahead", "0", "--out", str(tuned)]
    assert training.main([*words, "--start-from", str(out)]) == 0
    assert load_model(tuned)[0].lookahead == 0
    after = load_model(tuned)[0]
    assert after.notes.startswith("fine-tuned from tiny ")
    assert after.notes.endswith(f"Before that: {card.notes}")
    assert after.trained_on.endswith(f"Before that: {card.trained_on}")
    assert after.pose_offset == card.pose_offset


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (["--inputs", "pose", "--views", "top"], {"inputs": ("pose",), "views": ("top",)}),
        (["--inputs", "keys"], {"inputs": ("keys",)}),
        (["--drop-senses", "0.5"], {"optional": ("pose", "keys")}),
    ],
)
def test_the_command_trains_for_fewer_senses(tmp_path, words, fields):
    out = tmp_path / "tiny.safetensors"
    assert training.main([*TINY, "--epochs", "0.2", "--out", str(out), *words]) == 0
    card, _ = load_model(out)
    for name, value in fields.items():
        assert getattr(card, name) == value
    assert len(card.pose_offset) == card.pose_channels
    assert ("one sense missing in 50% of the windows" in card.notes) == bool(card.optional)
    without = {name for name in card.scores if name.startswith("without")}
    expected = {f"without_{s}_{what}" for s in card.optional for what in ("rmse", "correlation")}
    assert without == expected


def test_a_dropped_sense_is_neutral_and_all_else_is_as_it_was(performances, card, tmp_path):
    card = replace(card, optional=("pose", "keys"))
    fit = tiny_fit(performances, card, tmp_path, FitSettings(drop_senses=1.0, window=600))
    plain = tiny_fit(performances, replace(card, optional=()), tmp_path, FitSettings(window=600))
    (pose, keys, effort), (seen, felt, done) = fit._batch(3), plain._batch(3)
    neutral = torch.tensor(card.pose_offset)[:, None]
    no_pose, no_keys = (pose == neutral).all(dim=1), (keys == -1).all(dim=1)
    assert torch.equal(effort, done)
    assert torch.equal(pose.mT[~no_pose], seen.mT[~no_pose])
    assert torch.equal(keys.mT[~no_keys], felt.mT[~no_keys])
    assert not (no_pose & no_keys).any()
    assert (no_pose | no_keys).any(dim=1).all()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--out", "model.pth"], "written as a .safetensors file, not as model.pth"),
        (["--out", "a.safetensors", "--minutes", "0"], "minutes must be above 0"),
        (["--out", "a.safetensors", "--inputs", "emg"], "inputs are of pose, keys, not ['emg']"),
        (["--out", "a.safetensors", "--views", "left"], "simulated views are right, top, not left"),
        (["--out", "a.safetensors", "--drop-senses", "2"], "drop_senses must be from 0 to 1"),
        (
            ["--out", "a.safetensors", "--drop-senses", "0.5", "--inputs", "keys"],
            "the inputs are keys alone",
        ),
        (["--out", "a.safetensors", "--persons", "2"], "at least 9 are needed"),
        (["--out", "a.safetensors", "--lookahead", "32"], "look-ahead of 32 samples is outside"),
        (["--out", "a.safetensors", "--architecture", "big"], "architecture 'big' is not known"),
        (["--out", "a.safetensors", "--epochs", "0"], "epochs must be above 0"),
        (["--out", "a.safetensors", "--threads", "0"], "threads must be at least 1"),
        (["--out", "a.safetensors", "--window", "62"], "window of 62 samples is within"),
        (["--out", "a.safetensors", "--overlap", "96"], "cannot overlap by 96"),
        (["--out", "a.safetensors", "--start-from", "none.safetensors"], "no weights file at"),
        (["--out", "a.safetensors", "--precision", "half"], "invalid choice: 'half'"),
        (["--minutes", "many", "--out", "a.safetensors"], "invalid float value: 'many'"),
        ([], "required: --out"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training, "simulate", lambda *_: pytest.fail("refused too late"))
    try:
        status = training.main(words)
    except SystemExit as end:
        status = end.code
    said = capsys.readouterr().err
    assert status == training.USER_ERROR
    assert sentence in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_an_output_folder_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert training.main([*TINY, "--out", str(tmp_path / "file" / "a.safetensors")]) == 2
    assert re.search(r"file.*\n$", capsys.readouterr().err)


def test_a_checkpoint_of_another_training_is_refused(tmp_path, capsys):
    out = tmp_path / "a.safetensors"
    Checkpoint(checkpoint_path(out), {"epochs": 8.0, "window": 200}).save({})
    assert training.main([*TINY, "--out", str(out)]) == 2
    assert "window = 200, not 96" in capsys.readouterr().err


def test_a_hostile_checkpoint_is_refused_and_runs_no_code(tmp_path):
    path, mark = tmp_path / "a.checkpoint", tmp_path / "code_was_run"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(mark),)

    torch.save({"arguments": {}, "state": Trap()}, path)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        Checkpoint(path, {}).load()
    assert not mark.exists()


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "a.checkpoint"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        Checkpoint(path, {}).load()


def test_a_model_of_other_muscles_cannot_be_fine_tuned(performances, card, tmp_path, capsys):
    network = fresh_network(card, performances.training, seed=5)
    other = tmp_path / "other.safetensors"
    save_model(other, card, training.network_tensors(network))
    words = ["--out", str(tmp_path / "a.safetensors"), "--start-from", str(other)]
    assert training.main(words) == 2
    assert "its architecture is 'pianokpm-light', not 'pianokpm-net'" in capsys.readouterr().err
