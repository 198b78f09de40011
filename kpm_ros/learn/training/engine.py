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

"""What a training runs on: devices, processes, threads, and which precision suits them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.fabric import Fabric
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.fabric.utilities.rank_zero import rank_zero_only

from kpm_ros.learn.training.checkpoints import AtomicCheckpoints
from kpm_ros.learn.training.freed_memory import keep_freed_memory


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

    def start(self, callbacks: Sequence[object]) -> Fabric:
        """Take the devices, and start the processes that train together with this one."""
        torch.set_num_threads(self.threads)
        keep_freed_memory()
        for name in ("lightning.fabric", "lightning.pytorch"):  # Fabric speaks as either
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            fabric = Fabric(
                accelerator=self.accelerator,
                devices=int(self.devices) if self.devices.isdigit() else self.devices,
                num_nodes=self.num_nodes,
                strategy=self.strategy,
                plugins=AtomicCheckpoints(),
                callbacks=list(callbacks),
            )
        except (MisconfigurationException, TypeError, ValueError, ImportError) as error:
            why = " ".join(str(error).split())
            raise ValueError(
                f"accelerator {self.accelerator}, devices {self.devices}, strategy "
                f"{self.strategy} cannot be had together here: {why}"
            ) from None
        fabric.launch()
        return fabric


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
