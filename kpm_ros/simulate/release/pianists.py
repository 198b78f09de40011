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

"""A data set of simulated pianists, made part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kpm_ros.core.worker_pool import FinishedPart, produce
from kpm_ros.simulate.release.folder import finish_folder, open_folder
from kpm_ros.simulate.release.performance import make
from kpm_ros.simulate.release.request import Performance, Request


@dataclass(frozen=True)
class Pianists:
    """How a request for simulated pianists is met."""

    request: Request

    def open(self, root: Path) -> None:
        """Make the folder ready."""
        open_folder(root, self.request)

    def parts(self) -> list[Performance]:
        """List all performances."""
        return list(self.request.performances())

    def make(self, part: Performance, root: Path) -> bool:
        """Simulate a performance, unless its files are there."""
        return make(self.request, part, root)

    def finish(self, root: Path) -> None:
        """Write the split files."""
        finish_folder(root, self.request)


def make_release(
    root: Path,
    request: Request,
    workers: int,
    report: Callable[[FinishedPart], None] | None = None,
) -> None:
    """Simulate whatever of a data set of pianists is not there yet."""
    produce(root, Pianists(request), workers, report)
