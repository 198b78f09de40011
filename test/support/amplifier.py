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

"""A real LSL outlet on this machine, which plays an amplifier."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def lsl() -> Any:
    """The LSL library, kept to this machine; skips where it is not installed."""
    if "LSLAPICFG" not in os.environ:
        path = Path(tempfile.mkdtemp()) / "lsl_api.cfg"
        path.write_text("[multicast]\nResolveScope = machine\n[log]\nlevel = -3\n")
        os.environ["LSLAPICFG"] = str(path)
    return pytest.importorskip("pylsl", reason="pylsl is not installed: no LSL stream can be made")


class Amplifier:
    """Sends samples whose first value is their number, with the time stamps it is told."""

    def __init__(
        self,
        rate_hz: float = 1000.0,
        channels: Sequence[str] = ("ADM", "1DI"),
        *,
        name: str = "",
        counter: bool = False,
        form: str = "float32",
        kind: str = "EMG",
    ) -> None:
        """Describe the stream; entering the context sends it."""
        self._lsl = lsl()
        self.name = name or f"amplifier-{uuid.uuid4().hex[:12]}"
        self.rate_hz = rate_hz
        self.sent = 0
        labels = [*channels, *(["counter"] if counter else [])]
        self._counter = counter
        self._info = self._lsl.StreamInfo(
            self.name, kind, len(labels), rate_hz, form, uuid.uuid4().hex
        )
        described = self._info.desc().append_child("channels")
        for label in labels:
            channel = described.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", "microvolts")
            channel.append_child_value("type", "counter" if label == "counter" else "EMG")
        self._channels = len(channels)
        self._number = float if form in ("float32", "double64") else int
        self._outlet: Any = None

    def __enter__(self) -> Amplifier:
        """Begin to be found."""
        self._outlet = self._lsl.StreamOutlet(self._info)
        return self

    def __exit__(self, *error: object) -> None:
        """Vanish."""
        self._outlet = None

    @property
    def has_listener(self) -> bool:
        """Whether anyone receives."""
        return bool(self._outlet.have_consumers())

    def now_s(self) -> float:
        """Time on LSL's clock."""
        return float(self._lsl.local_clock())

    def send(self, times_s: Sequence[float], *, lost_before: int = 0) -> None:
        """Send one sample for each time; `lost_before` numbers were used but never sent."""
        self.sent += lost_before
        for time_s in times_s:
            values = np.zeros(self._channels)
            values[0] = self.sent
            row = [*values, self.sent % 256] if self._counter else list(values)
            self._outlet.push_sample([self._number(value) for value in row], float(time_s))
            self.sent += 1

    def send_row(self, row: Sequence[float], time_s: float) -> None:
        """Send these very values."""
        self._outlet.push_sample(list(row), time_s)
