"""The training loop: AdamW on random windows, checked and saved at intervals, resumable.

The decoder is trained as it runs: each window begins with a zero output, every sample is decoded
from the output before it, and the gradient goes back through all of them. It never sees the true
effort, so it cannot learn to copy it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.layout import structure_of
from kpm_ros.estimate.network import PianoKPMNet
from kpm_ros.estimate.senses import blank
from kpm_ros.learn.checkpoints import Checkpoint
from kpm_ros.learn.dropouts import Dropouts
from kpm_ros.learn.windows import WindowOrder, window_starts
from kpm_ros.simulate.dataset import Rendering

PRECISIONS = ("float32", "bfloat16")


class TrainingError(ValueError):
    """Training cannot go on; the message says in one sentence why."""


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted."""

    epochs: float = 8.0
    window: int = 96
    overlap: int = 0
    batch: int = 42
    learning_rate: float = 3e-4
    warm_up_steps: int = 40
    weight_decay: float = 0.01
    gradient_limit: float = 1.0
    check_every: int = 100
    """Steps between two looks at the validation performances, each followed by a checkpoint."""
    time_limit_s: float = math.inf
    """Training, with its decay of the learning rate, is over by then."""
    precision: str = "float32"
    drop_senses: float = 0.0
    """Share of windows in which a sense is missing for a while."""
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "learning_rate", "gradient_limit", "time_limit_s", "check_every"):
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name} must be above 0, not {value:g}")
        if not 0 <= self.drop_senses <= 1:
            raise ValueError(f"drop_senses must be from 0 to 1, not {self.drop_senses:g}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be {' or '.join(PRECISIONS)}, not {self.precision}")


def reach(card: ModelCard) -> int:
    """How many samples before and after it, together, an output of the network depends on."""
    return sum(kernel - 1 for kernel in structure_of(card).kernels)


def check_window(settings: FitSettings, card: ModelCard) -> None:
    """Refuse windows too short for the card's network, or that cannot overlap as asked for."""
    window_starts(settings.window, settings.window, settings.overlap)
    if settings.window <= reach(card):
        raise TrainingError(
            f"a window of {settings.window} samples is within the network's reach of "
            f"{reach(card)}: train on a longer one"
        )


@dataclass
class Progress:
    """How far training has come."""

    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    loss: float = math.nan
    """Mean squared error relative to the effort's variance, of late: a running mean."""
    checked_rmse: float = math.nan
    best_rmse: float = math.inf
    best_step: int = 0
    elapsed_s: float = 0.0

    @property
    def left_s(self) -> float:
        """Time that the remaining steps will take at the present pace."""
        return self.elapsed_s / self.step * (self.steps - self.step) if self.step else math.nan


Listener = Callable[[Progress], None]


class Fit:
    """One network in training."""

    def __init__(
        self,
        network: PianoKPMNet,
        training: Sequence[Rendering],
        check: Callable[[PianoKPMNet], float],
        settings: FitSettings,
        checkpoint: Checkpoint,
    ) -> None:
        """Be ready to begin, or to go on from the checkpoint if there is one.

        `check` gives the RMSE of the network, run as it will be used, on other persons.
        """
        self.network = network
        self.settings = settings
        self.order = WindowOrder(
            tuple(len(one.effort) for one in training),
            settings.window,
            settings.overlap,
            settings.batch,
            settings.seed,
        )
        check_window(settings, network.card)
        self._ahead = network.card.lookahead
        self._past = reach(network.card) - self._ahead
        steps = max(1, round(settings.epochs * self.order.steps_per_epoch))
        self.progress = Progress(steps=steps)
        self._training = training
        self._dropouts = Dropouts(settings.drop_senses, settings.seed)
        self._check = check
        self._checkpoint = checkpoint
        self._optimizer = torch.optim.AdamW(
            network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            # Outputs are multiplied by 0.01, and gradients are small accordingly.
            eps=1e-10,
        )
        efforts = np.concatenate([one.effort for one in training])
        self._variance = float(efforts.var(axis=0).mean())
        self._best = _copy(network)
        self._resume()

    def run(self, listener: Listener = lambda progress: None) -> None:
        """Train to the end; the network then is the best that was found."""
        progress, settings = self.progress, self.settings
        begun_s = time.monotonic() - progress.elapsed_s
        self.network.train()
        while progress.step < progress.steps and progress.elapsed_s < settings.time_limit_s:
            loss = self._step()
            before = loss if math.isnan(progress.loss) else progress.loss
            progress.loss = 0.95 * before + 0.05 * loss
            progress.step += 1
            progress.epoch = progress.step / self.order.steps_per_epoch
            progress.elapsed_s = time.monotonic() - begun_s
            ended = progress.step == progress.steps or progress.elapsed_s >= settings.time_limit_s
            if progress.step % settings.check_every == 0 or ended:
                self._look()
                self.save()
            listener(progress)
        self.network.load_state_dict(self._best)
        self.network.eval()

    def save(self) -> None:
        """Write everything that the rest of the training depends on."""
        self._checkpoint.save(
            {
                "network": self.network.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "best": self._best,
                "progress": asdict(self.progress),
            }
        )

    def learning_rate(self) -> float:
        """A short rise, then half a cosine down to nothing at the last step or the time limit."""
        progress, settings = self.progress, self.settings
        done = max(progress.step / progress.steps, progress.elapsed_s / settings.time_limit_s)
        rise = min(1.0, (progress.step + 1) / settings.warm_up_steps)
        return settings.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))

    def _step(self) -> float:
        pose, keys, effort = self._batch(self.progress.step)
        for group in self._optimizer.param_groups:
            group["lr"] = self.learning_rate()
        coarse = self.settings.precision == "bfloat16"
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=coarse):
            features = self.network.encode(pose, keys)
        estimate = self.network.decode_stepwise(features.float())
        # What the zeros beyond a window's ends reach is not what the network sees in use.
        inner = slice(self._past, self.settings.window - self._ahead)
        error = nn.functional.mse_loss(estimate[..., inner], effort[..., inner])
        loss = error / self._variance
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.gradient_limit)
        self._optimizer.step()
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss was no longer a number at step {self.progress.step}: train with a lower "
                f"learning rate than {self.settings.learning_rate:g}"
            )
        return value

    def _batch(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """Pose, keys and effort of one step: (batch, channels, window) each."""
        windows, length = self.order.batch_at(step), self.settings.window
        card = self.network.card
        missing = np.zeros((len(windows), length), np.uint8)
        if card.optional:
            missing = self._dropouts.flags(card, step, len(windows), length)
        parts: list[list[NDArray[np.float32]]] = [[], [], []]
        for (performance, start), flags in zip(windows, missing, strict=True):
            pose, keys, effort = (x[start : start + length] for x in self._training[performance])
            for part, rows in zip(parts, (*blank(pose, keys, flags, card), effort), strict=True):
                part.append(rows.T)
        seen, felt, done = (torch.from_numpy(np.stack(part)) for part in parts)
        return seen, felt, done

    def _look(self) -> None:
        """Check the network on other persons, and remember it if it is the best so far."""
        self.network.eval()
        self.progress.checked_rmse = self._check(self.network)
        self.network.train()
        if self.progress.checked_rmse < self.progress.best_rmse:
            self.progress.best_rmse = self.progress.checked_rmse
            self.progress.best_step = self.progress.step
            self._best = _copy(self.network)

    def _resume(self) -> None:
        state: dict[str, Any] | None = self._checkpoint.load()
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._best = state["best"]
        self.progress = Progress(**state["progress"])


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def checkpoint_path(out: Path) -> Path:
    """Where the training that will write `out` keeps its checkpoint."""
    return out.with_name(f"{out.stem}.checkpoint")
