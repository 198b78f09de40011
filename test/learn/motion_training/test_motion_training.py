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

from dataclasses import replace

import numpy as np
import pytest
import torch

from kpm_ros.cli import main
from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.core.hand_motion import HandMotion, MotionError
from kpm_ros.learn.motion_training.clips import open_clips
from kpm_ros.learn.motion_training.motion_batches import ClipReader, normalisation
from kpm_ros.learn.motion_training.motion_training import MotionOptions, MotionTraining
from kpm_ros.learn.training.run_folder import read_metrics
from kpm_ros.learn.training.training_loop import TrainingStopped
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.models.pianomotion.diffusion import STEPS
from kpm_ros.models.pianomotion.motion_files import load_motion_model
from kpm_ros.motion.by_diffusion import MotionSampler, music_of_score
from kpm_ros.motion.published_camera import as_seen
from kpm_ros.motion.published_layout import PublishedClip, add_to_split, write_annotation
from kpm_ros.sense.midi.score import read_midi
from support.movements import movement, movements, write_music

SHORT = {"window": 64, "overlap": 0, "batch": 4, "check_every": 10, "average": 0.0}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return movements(tmp_path_factory.mktemp("data") / "hands")


def training(data, out, model, steps, **given):
    settings = make_settings("quick", model=model, steps=steps, **{**SHORT, **given})
    return MotionTraining(data=data, out=out, settings=settings, recipe="quick")


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    """A position predictor and a gesture model on top of it, after a few steps."""
    root = tmp_path_factory.mktemp("runs")
    training(data, root / "position", "pianomotion-position", 60).run()
    more = {"init_from": str(root / "position"), "learning_rate": 3e-3, "batch": 2}
    training(data, root / "gesture", "pianomotion-gesture", 30, **more).run()
    return root


@pytest.mark.parametrize("run", ["position", "gesture"])
def test_training_lowers_the_loss_and_the_error_on_other_movements(trained, run) -> None:
    rows = read_metrics(trained / run / "metrics.csv")
    errors = [row["validation_rmse"] for row in rows if "validation_rmse" in row]
    assert rows[-1]["loss"] < 0.95 * rows[0]["loss"]
    assert errors[-1] < 0.98 * errors[0]


def test_a_model_says_what_it_was_made_of_and_that_it_was_simulated(trained, capsys) -> None:
    assert main(["info", str(trained / "gesture" / "model.safetensors")]) == 0
    assert "SIMULATED hands" in capsys.readouterr().out
    card, network = load_motion_model(trained / "gesture")
    assert card.simulated
    assert "SIMULATED" in card.trained_on
    assert card.features == "midi"
    assert set(card.scores) == {"valid_rmse", "test_rmse"}
    position, first = load_motion_model(trained / "position")
    assert card.place_scale == position.place_scale
    kept = network.position.state_dict()
    assert all(torch.equal(kept[name], one) for name, one in first.state_dict().items())


def test_a_training_that_is_stopped_goes_on_to_the_same_weights(data, tmp_path) -> None:
    class Stops:
        def stepped(self, progress):
            if progress.step == 3:
                import signal

                signal.raise_signal(signal.SIGTERM)

        checked = stepped

    settings = {"check_every": 2, "average": 0.9}
    whole = training(data, tmp_path / "whole", "pianomotion-position", 6, **settings)
    halved = training(data, tmp_path / "halved", "pianomotion-position", 6, **settings)
    whole.run()
    with pytest.raises(TrainingStopped):
        halved.run((Stops(),))
    halved.run()
    one, other = (
        load_motion_model(tmp_path / name)[1].state_dict() for name in ("whole", "halved")
    )
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_gestures_need_positions_first(data, trained, tmp_path) -> None:
    with pytest.raises(ValueError, match="train pianomotion-position first"):
        training(data, tmp_path / "a", "pianomotion-gesture", 1).run()
    with pytest.raises(ValueError, match="no predictor of positions"):
        run = str(trained / "gesture")
        training(data, tmp_path / "b", "pianomotion-gesture", 1, init_from=run).run()
    with pytest.raises(MotionError, match="says where hands are and not how they are turned"):
        MotionSampler.load(trained / "position")


def test_movement_is_made_of_music_longer_than_a_window_and_is_the_same_by_its_seed(
    data, trained
) -> None:
    sampler = MotionSampler.load(trained / "gesture")
    music = music_of_score(read_midi(data / "m3.mid"), 0.5, 9.0)
    calls = []
    made, again, other = (
        sampler.sample(music, 5, seed, lambda: calls.append(1)) for seed in (1, 1, 2)
    )
    assert len(calls) == 15
    assert len(made) == 270
    assert made.start_s == 0.5
    assert made.simulated
    for side, hand in made.hands.items():
        assert np.array_equal(hand.rotations, again.hands[side].rotations)
        assert not np.array_equal(hand.rotations, other.hands[side].rotations)
        assert np.array_equal(hand.place, other.hands[side].place)
        assert np.abs(hand.rotations).max() <= np.pi * 1.5
    # Right hand right of the left one, about where they are in training.
    right, left = (made.hands[side].place[:, 0].mean() for side in ("right", "left"))
    assert right == pytest.approx(0.7, abs=0.15)
    assert left == pytest.approx(0.3, abs=0.15)


def test_short_music_is_made_too_and_what_it_has_not_is_refused(data, trained) -> None:
    sampler = MotionSampler.load(trained / "gesture")
    score = read_midi(data / "m3.mid")
    assert len(sampler.sample(music_of_score(score, 0.0, 0.1), 5)) == 3
    with pytest.raises(MotionError, match="ends at"):
        music_of_score(score, 100.0, 1.0)
    with pytest.raises(ValueError, match="must be 5 to 1000"):
        sampler.sample(music_of_score(score, 0.0, 1.0), STEPS + 1)


def test_a_model_is_trained_on_sound_by_the_users_encoder(data, tmp_path) -> None:
    import soundfile
    from transformers import HubertConfig, HubertModel

    for name in ("m0", "m1", "m2", "m3"):
        (tmp_path / f"{name}.npz").write_bytes((data / f"{name}.npz").read_bytes())
        noise = np.random.default_rng(0).normal(size=160_000) * 0.1
        soundfile.write(tmp_path / f"{name}.wav", noise, 16_000)
    for split in ("train", "valid"):
        (tmp_path / f"{split}.txt").write_text((data / f"{split}.txt").read_text())
    torch.manual_seed(0)
    small = HubertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=4,
        intermediate_size=16,
        conv_dim=[8] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    HubertModel(small).save_pretrained(tmp_path / "hubert")
    one = training(tmp_path, tmp_path / "run", "pianomotion-position", 2, check_every=2)
    one = replace(one, options=MotionOptions(sound=str(tmp_path / "hubert")))
    one.run()
    card, network = load_motion_model(tmp_path / "run")
    assert card.features == "hubert"
    assert card.feature_width == 16
    assert card.sound["model_type"] == "hubert"
    untouched = HubertModel.from_pretrained(tmp_path / "hubert").state_dict()
    now = network.features.model.state_dict()
    moved = {name for name in now if not torch.equal(now[name], untouched[name])}
    assert moved
    assert not any(name.startswith("feature_extractor") for name in moved)


def test_folders_that_lack_something_are_refused_in_a_sentence(tmp_path) -> None:
    with pytest.raises(ForeignFileError, match=r"train\.txt names no movement"):
        open_clips(tmp_path, by_notes=True)
    (tmp_path / "train.txt").write_text("a\n")
    with pytest.raises(ForeignFileError, match=r"'a', of which there is no \.npz"):
        open_clips(tmp_path, by_notes=True)
    movement(frames=30).save(tmp_path / "a.npz")
    with pytest.raises(ForeignFileError, match="has no music beside it"):
        open_clips(tmp_path, by_notes=True)
    (tmp_path / "train.txt").write_text("../a\n")
    with pytest.raises(ForeignFileError, match="there is no"):
        open_clips(tmp_path, by_notes=True)
    with pytest.raises(ForeignFileError, match="there is no folder"):
        open_clips(tmp_path / "b", by_notes=True)


def test_published_folders_are_read_as_they_are(tmp_path) -> None:
    for split, video in (("train", "BV1"), ("valid", "BV2")):
        one = replace(movement(frames=120), start_s=4.0)
        clip = PublishedClip(tmp_path, "person", video, f"{video}_seq_0001")
        write_annotation(clip, as_seen(one))
        (tmp_path / "midi" / "person").mkdir(parents=True, exist_ok=True)
        write_music(one, clip.root / "midi" / "person" / f"{video}.mid")
        add_to_split(tmp_path, split, "person", video)
    clips = open_clips(tmp_path, by_notes=True)
    loaded = ClipReader(by_notes=True).read(clips.splits["train"][0])
    assert len(loaded) == 120
    assert loaded.start_s == 4.0
    assert loaded.columns.visible.all()
    assert not loaded.roll.any()  # the music has ended by then
    assert normalisation([loaded]) == {}  # as published
    with pytest.raises(MotionError, match="has no audio"):
        open_clips(tmp_path, by_notes=False)


def test_movements_that_are_too_short_to_choose_by_are_refused(data, tmp_path) -> None:
    for path in data.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    HandMotion.load(tmp_path / "m3.npz").cut(0, 1).save(tmp_path / "m3.npz")
    with pytest.raises(ValueError, match=r"no movement of valid\.txt has the 64 frames"):
        training(tmp_path, tmp_path / "run", "pianomotion-position", 1).run()
