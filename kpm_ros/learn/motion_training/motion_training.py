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

"""Training of a model of movement: from a folder to a model file, all about it in one folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from torch import nn

from kpm_ros.core.provenance import versions
from kpm_ros.learn.motion_training.clips import Clips, open_clips
from kpm_ros.learn.motion_training.motion_batches import (
    ClipReader,
    LoadedClip,
    make_motion_batches,
    normalisation,
)
from kpm_ros.learn.motion_training.motion_learner import (
    EncodingLearner,
    GestureLearner,
    MotionChecks,
    PositionLearner,
)
from kpm_ros.learn.training.engine import Engine, is_first_process
from kpm_ros.learn.training.loop_in_folder import refuse_others, train_in
from kpm_ros.learn.training.outcome import SIMULATED_ONLY
from kpm_ros.learn.training.run_folder import PACKAGES, RunFolder, git_revision, machine
from kpm_ros.learn.training.training_loop import tensors_of
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.learn.training.validation import rmse_of
from kpm_ros.models.pianomotion.gesture import GestureModel, start_network
from kpm_ros.models.pianomotion.motion_card import (
    ENCODING,
    GESTURE,
    MIDI,
    POSITION,
    RATE_HZ,
    TRANSFORMER,
    WINDOW,
    MotionCard,
)
from kpm_ros.models.pianomotion.motion_files import load_motion_model, save_motion_model
from kpm_ros.models.pianomotion.recipes import ALL, AS_CODED, CONVOLUTIONS, FROZEN, LOSSES, MODELS
from kpm_ros.models.pianomotion.sound import SoundFeatures, load_sound, read_configuration


@dataclass(frozen=True, kw_only=True)
class MotionOptions:
    """What a model of movement is, beyond what every training has."""

    size: str = "small"
    sequence: str = TRANSFORMER
    sound: str = ""
    """Folder of a wav2vec 2.0 or HuBERT model; empty for notes."""
    frozen: str = CONVOLUTIONS
    loss: str = AS_CODED
    """Whose loss of positions."""
    masked_alone: bool = False

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        for name, allowed in (("frozen", FROZEN), ("loss", LOSSES)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be {' or '.join(allowed)}")


@dataclass(frozen=True, kw_only=True)
class MotionTraining:
    """One training: what it reads, what it writes and how."""

    data: Path
    out: Path
    settings: Settings
    options: MotionOptions = MotionOptions()
    recipe: str = "published"
    engine: Engine = field(default_factory=Engine)
    command: str = ""

    @property
    def stage(self) -> str:
        """Which stage is trained."""
        return MODELS[self.settings.model].stage

    def run(self, listeners: Sequence[object] = ()) -> dict[str, float]:
        """Train to the end, or go on to it, and write the model; gives its errors by split."""
        folder = RunFolder(self.out)
        card, network = self._begin()
        first = is_first_process()
        if first:
            folder.open()
            refuse_others(folder, self._identity)
            folder.write(folder.config, self._config)
        learner = self._learner(network)
        batches = make_motion_batches(self._training, card, self.settings)
        loop = train_in(
            folder,
            self.engine,
            learner,
            batches,
            batches.order.steps_per_epoch,
            MotionChecks(self._choosing, card, self.settings),
            self._identity,
            listeners if first else None,
            title=f"{card.name}, {self.recipe} recipe",
            losses=learner.losses,
        )
        if not first:
            return {}
        card = replace(card, trained_on=self._trained_on, notes=self._notes(loop.progress.step))
        network.load_state_dict(loop.best)
        return self._finish(folder, card, network)

    def _learner(self, network: nn.Module) -> PositionLearner | GestureLearner | EncodingLearner:
        if self.stage == POSITION:
            return PositionLearner(network, self.settings, self.options.loss)
        if self.stage == GESTURE:
            return GestureLearner(network, self.settings)
        return EncodingLearner(network, self.settings)

    @cached_property
    def _clips(self) -> Clips:
        return open_clips(self.data, not self._by_sound)

    @cached_property
    def _base(self) -> tuple[MotionCard, nn.Module] | None:
        """The predictor of positions on which a second stage is trained."""
        if self.stage != GESTURE:
            return None
        if not self.settings.init_from:
            raise ValueError(
                "gestures are trained on the positions that a trained predictor gives: train "
                "pianomotion-position first, and give its run folder with --init-from"
            )
        card, network = load_motion_model(self.settings.init_from)
        if card.stage != POSITION:
            raise ValueError(f"{self.settings.init_from} is no predictor of positions")
        return card, network

    @property
    def _by_sound(self) -> bool:
        return self._base[0].features != MIDI if self._base else bool(self.options.sound)

    @cached_property
    def _training(self) -> list[LoadedClip]:
        return self._read("train")

    @cached_property
    def _choosing(self) -> list[LoadedClip]:
        return self._read("valid")

    def _read(self, split: str) -> list[LoadedClip]:
        reader = ClipReader(not self._by_sound)
        return [reader.read(clip) for clip in self._clips.splits[split]]

    def _begin(self) -> tuple[MotionCard, nn.Module]:
        """Make the card and the network that training begins with."""
        options, settings = self.options, self.settings
        if self.stage == ENCODING and settings.window != WINDOW:
            raise ValueError(f"window must be {WINDOW} for {settings.model}, not {settings.window}")
        simulated = any(clip.simulated for clip in self._training)
        if self._base:
            card = self._base[0].of_gesture(
                name=settings.model,
                sequence=options.sequence,
                masked_alone=options.masked_alone,
                simulated=simulated or self._base[0].simulated,
                scores={},
            )
            network = start_network(card, settings.seed)
            cast(GestureModel, network).position.load_state_dict(self._base[1].state_dict())
            return card, network
        sound = read_configuration(Path(options.sound).expanduser()) if options.sound else {}
        card = MotionCard(
            name=settings.model,
            stage=self.stage,
            size=options.size,
            sequence=options.sequence,
            features=sound.get("model_type", MIDI),
            sound=sound,
            masked_alone=options.masked_alone,
            frame=self._training[0].frame,
            simulated=simulated,
            **normalisation(self._training),
        )
        network = start_network(card, settings.seed)
        features = getattr(network, "features", None)
        if isinstance(features, SoundFeatures):
            load_sound(features, Path(options.sound).expanduser())
            if options.frozen == ALL:
                features.requires_grad_(False)
        return card, network

    @cached_property
    def _identity(self) -> dict[str, Any]:
        """Whatever a training must have in common with the one it goes on from."""
        plain: dict[str, Any] = json.loads(
            json.dumps({**asdict(self.settings), **asdict(self.options)})
        )
        return {**plain, "data": self._clips.fingerprint}

    @property
    def _config(self) -> dict[str, Any]:
        return {
            "command": self.command,
            "recipe": self.recipe,
            "settings": asdict(self.settings),
            "options": asdict(self.options),
            "engine": asdict(self.engine),
            "data": {
                "folder": str(self.data),
                "fingerprint": self._clips.fingerprint,
                "clips": {split: len(clips) for split, clips in self._clips.splits.items()},
            },
            "git": git_revision(Path(__file__).resolve()),
            "versions": versions(PACKAGES),
            "machine": machine(self.engine.threads),
        }

    @property
    def _trained_on(self) -> str:
        simulated = sum(clip.simulated for clip in self._training)
        kind = f" ({simulated} SIMULATED)" if simulated else ""
        minutes = sum(len(clip) for clip in self._training) / RATE_HZ / 60
        words = (
            f"{len(self._training)} movements{kind} of {minutes:.1f} minutes, "
            f"data {self._clips.fingerprint[:16]}"
        )
        return f"{words}. {SIMULATED_ONLY}" if simulated else words

    def _notes(self, steps: int) -> str:
        settings, options = self.settings, self.options
        losses = {
            POSITION: f"loss of positions {options.loss}",
            GESTURE: "loss as coded",
            ENCODING: "mean squared error",
        }
        return (
            f"recipe {self.recipe}, {options.sequence}, {losses[self.stage]}: AdamW, learning rate "
            f"{settings.learning_rate:g}, {settings.schedule}, batches of {settings.batch} windows "
            f"of {settings.window} frames; {steps} steps. "
            + (f"Command: {self.command}" if self.command else "")
        ).rstrip()

    def _finish(self, folder: RunFolder, card: MotionCard, network: nn.Module) -> dict[str, float]:
        """Write the model, with its errors on every split that chose or tests."""
        import torch

        errors = {}
        for split, clips in (("valid", self._choosing), ("test", self._read("test"))):
            if any(len(clip) >= self.settings.window for clip in clips):
                checks = MotionChecks(clips, card, self.settings)
                errors[f"{split}_rmse"] = rmse_of(checks.errors(network, torch.device("cpu")))
        save_motion_model(
            folder.model, replace(card, scores=errors), tensors_of(network.state_dict())
        )
        folder.write(folder.scores, {"simulated": card.simulated, "scores": errors})
        return errors
