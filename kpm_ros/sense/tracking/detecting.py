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

"""What every tracker does with its detector: make it, change its model, free it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

from kpm_ros.sense.tracking.following import Detection, Detector, make_looking
from kpm_ros.sense.tracking.tracker import Model, TrackerConfig

Self = TypeVar("Self", bound="Detecting")


class Detecting(Generic[Detection]):
    """A detector in use; end it with `close`, or use it in a `with` block."""

    def __init__(
        self, make: Callable[..., Detector[Detection]], config: TrackerConfig, most: int
    ) -> None:
        """Load the models; TrackerUnavailableError says in a sentence why that cannot be done.

        `make` takes a config, and whether pictures are single ones; up to `most` are looked for.
        """
        self.config = config
        self.refused = 0
        """What was found but could not be: too small, too unsure, outside, no numbers."""
        self._make, self._most = make, most
        self._load()

    def use_model(self, model: Model) -> None:
        """Go on with another model."""
        self._detector.close()
        self.config = replace(self.config, model=model)
        self._load()

    def close(self) -> None:
        """Free the models."""
        self._detector.close()

    def __enter__(self: Self) -> Self:
        """Track for a `with` block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Free the models at the block's end."""
        self.close()

    def _load(self) -> None:
        self._detector = make_looking(partial(self._make, self.config), self.config, self._most)
