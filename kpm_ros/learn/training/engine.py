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

"""Lightning's trainer as it is used here: quiet, on whatever devices, with our own checkpoints."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.fabric.utilities.rank_zero import rank_zero_only
from torch.utils.data import DataLoader

from kpm_ros.learn.training.batches import Batch, Batches, BatchStream
from kpm_ros.learn.training.checks import Checks
from kpm_ros.learn.training.learner import Learner


@dataclass(frozen=True, kw_only=True)
class Engine:
    """What a training runs on; it changes nothing that is to come out, up to rounding."""

    accelerator: str = "auto"
    devices: str = "auto"
    num_nodes: int = 1
    strategy: str = "auto"
    workers: int = 0
    """Processes that prepare batches; 0 to prepare them in between."""
    threads: int = 1
    """CPU threads of the arithmetic."""

    def __post_init__(self) -> None:
        for name, least in (("num_nodes", 1), ("workers", 0), ("threads", 1)):
            if getattr(self, name) < least:
                spoken = name.replace("_", "-")
                raise ValueError(f"{spoken} must be at least {least}, not {getattr(self, name)}")


class TrainingData(lightning.LightningDataModule):
    """The batches of a training, from the step on where it is."""

    def __init__(self, batches: Batches, workers: int) -> None:
        super().__init__()
        self._batches, self._workers = batches, workers

    def train_dataloader(self) -> DataLoader[Batch]:
        """Give what is still to come."""
        trainer: Any = self.trainer
        stream = BatchStream(
            self._batches, trainer.global_step, trainer.global_rank, trainer.world_size
        )
        pinned = trainer.strategy.root_device.type == "cuda"
        return DataLoader(stream, batch_size=None, num_workers=self._workers, pin_memory=pinned)


def is_first_process() -> bool:
    """Say whether this is the process that writes and shows, of several that train together."""
    return int(getattr(rank_zero_only, "rank", 0)) == 0


def best_precision() -> str:
    """Choose what this machine computes fastest in: bfloat16 where the chip has it."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    flags = Path("/proc/cpuinfo")
    has = flags.is_file() and "avx512_bf16" in flags.read_text(errors="replace")
    return "bf16-mixed" if has else "32-true"


def run_training(
    learner: Learner, batches: Batches, checks: Checks, engine: Engine, folder: Path
) -> None:
    """Train to the end, or go on from the checkpoint to it.

    Raises TrainingStopped when it was asked to stop before, by Ctrl-C or by a signal to terminate.
    """
    torch.set_num_threads(engine.threads)
    with _quiet(), _stopping(checks):
        trainer = _trainer(learner, checks, engine, folder)
        begun = str(checks.checkpoint) if checks.checkpoint.is_file() else None
        data = TrainingData(batches, engine.workers)
        trainer.fit(learner, datamodule=data, ckpt_path=begun, weights_only=True)


def _trainer(learner: Learner, checks: Checks, engine: Engine, folder: Path) -> lightning.Trainer:
    settings = learner.settings
    try:
        return lightning.Trainer(
            accelerator=engine.accelerator,
            devices=int(engine.devices) if engine.devices.isdigit() else engine.devices,
            num_nodes=engine.num_nodes,
            strategy=engine.strategy,
            precision=settings.precision,  # type: ignore[arg-type]
            max_steps=learner.span.steps,
            gradient_clip_val=settings.gradient_limit or None,
            callbacks=[checks],
            limit_val_batches=0,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=folder,
        )
    except (MisconfigurationException, TypeError, ValueError, ImportError) as error:
        why = " ".join(str(error).split())
        raise ValueError(
            f"accelerator {engine.accelerator}, devices {engine.devices}, strategy "
            f"{engine.strategy} cannot be had together here: {why}"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning's own words off the screen; errors are still raised."""
    names = ("lightning.pytorch", "lightning.fabric")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for module in (r"lightning\.", r"torch\.optim\."):
            warnings.filterwarnings("ignore", module=module)
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


@contextmanager
def _stopping(checks: Checks) -> Iterator[None]:
    """Let the first Ctrl-C, or a signal to terminate, end training after the step in progress."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if checks.stop_asked:
            raise SystemExit(128 + number)
        checks.stop_asked = True

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
