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

"""Takes of simulated exercisers as a data set: in this project's container, or as published.

Everything here is SIMULATED, and what is written says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import read_arrays, read_json
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import METRIC, Landmarks
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.learn.recordings.simulated_windows import write_windows
from kpm_ros.models.mia.published import MUSCLES
from kpm_ros.sense.samples import BODY
from kpm_ros.simulate.exerciser.body_camera import FPS, VIEW
from kpm_ros.simulate.exerciser.exerciser_request import (
    TAKES_FOLDER,
    ExerciserRequest,
    Exercisers,
    camera_of,
)
from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES
from kpm_ros.simulate.release import release_layout
from kpm_ros.simulate.release.request import Performance
from kpm_ros.simulate.release.splits import Places, held_out_splits

CONTAINER, PUBLISHED, BOTH = LAYOUTS = ("container", "published", "both")
UNIT = "fraction of the person's maximum"
STREAM = Landmarks(VIEW, find_skeleton(BODY), 3, METRIC, rate_hz=FPS)

Array = NDArray[np.float32]


@dataclass(frozen=True)
class ExerciserRelease(Exercisers):
    """Takes beside the data set's folder, and that folder when all takes are there.

    With both layouts, each is in a folder of its name.
    """

    layout: str = CONTAINER

    def open(self, root: Path) -> None:
        """Go on with the takes, unless the data set is whole."""
        if self._is_whole(root):
            return
        if root.exists() and any(root.iterdir()):
            raise ValueError(
                f"{root} holds something else than this data set: choose an empty folder"
            )
        super().open(_takes(root))

    def make(self, part: Performance, root: Path) -> bool:
        """Simulate a take, unless it is there."""
        return not self._is_whole(root) and super().make(part, _takes(root))

    def finish(self, root: Path) -> None:
        """Write the data set of its takes."""
        if self._is_whole(root):
            return
        takes, ready = _takes(root), _takes(root) / "ready"
        shutil.rmtree(ready, ignore_errors=True)
        chosen = (CONTAINER, PUBLISHED) if self.layout == BOTH else (self.layout,)
        for layout in chosen:
            place = ready / layout if self.layout == BOTH else ready
            if layout == CONTAINER:
                write_container(place, self.request, takes)
            else:
                write_windows(place, self.request, takes)
            _write(place / release_layout.MANIFEST, self._manifest(layout))
            _write(place / release_layout.CAMERAS, _cameras(self.request))
        if self.layout == BOTH:
            _write(ready / release_layout.MANIFEST, self._manifest(BOTH))
        if root.exists():
            root.rmdir()
        ready.rename(root)
        shutil.rmtree(takes)

    def _manifest(self, layout: str) -> dict[str, Any]:
        content = self.request.manifest()
        numbers, names = range(self.request.persons), self.request.exercises
        people = "Subject{}" if layout == PUBLISHED else "p{}"
        shift = 0 if layout == PUBLISHED else 1
        return content | {
            "layout": layout,
            "people": {
                people.format(number + shift): self.request.known_person(number + 1)
                for number in numbers
            },
            "tasks": {name: self.request.known_exercise(name) for name in names},
        }

    def _is_whole(self, root: Path) -> bool:
        """Whether the data set is there, of the same request and simulator."""
        path = root / release_layout.MANIFEST
        if not path.exists():
            return False
        wanted = json.loads(json.dumps(self._manifest(self.layout)))
        try:
            found = read_json(path)
            return {k: v for k, v in found.items() if k != "made_with"} == {
                k: v for k, v in wanted.items() if k != "made_with"
            }
        except (ValueError, AttributeError):
            return False


def write_container(folder: Path, request: ExerciserRequest, takes: Path) -> None:
    """Write takes into the project's own container."""
    numbers = range(1, request.persons + 1)
    about = About(
        name="SIMULATED exercisers",
        simulated=True,
        description=request.manifest()["description"],
        origin="kpm simulate --subject body",
        licence="Apache-2.0",
        people={f"p{number}": request.known_person(number) for number in numbers},
        tasks={name: request.known_exercise(name) for name in request.exercises},
    )
    places = held_out_splits(request)
    write_dataset(folder, about, _recordings(request, takes), container_splits(request, places))


def container_splits(request: ExerciserRequest, places: Places) -> dict[str, list[str]]:
    """Name the recordings of each split."""
    names = {part.name: recording_name(request, part) for part in request.performances()}
    return {split: [names[name] for name in places[split]] for split in release_layout.SPLITS}


def recording_name(request: ExerciserRequest, part: Performance) -> str:
    """Name a take as both layouts do."""
    return f"{request.exercise(part.name)}_p{part.name.pianist}_{part.name.take}"


def _recordings(request: ExerciserRequest, takes: Path) -> Iterator[Recording]:
    columns = [SURFACE_MUSCLES.index(muscle) for muscle in MUSCLES]
    for part in request.performances():
        arrays = read_arrays(takes / TAKES_FOLDER / f"{part.stem}.npz")
        metres = arrays["metres"]
        series = TimeSeries(
            STREAM,
            np.ascontiguousarray(metres.reshape(len(metres), -1), np.float32),
            stamps_s=arrays["stamps_s"],
            measured="SIMULATED tracker of the kind of MediaPipe Pose",
        )
        truth = Truth(
            MUSCLES,
            UNIT,
            float(arrays["rate_hz"]),
            np.ascontiguousarray(arrays["activation"][:, columns], np.float32),
            measured="SIMULATED: activation that an electrode would see, by static optimisation",
        )
        yield Recording(
            recording_name(request, part),
            f"p{part.name.pianist}",
            request.exercise(part.name),
            part.name.take,
            (series,),
            truth,
        )


def _takes(root: Path) -> Path:
    """Where takes are until all of them are there."""
    return root.with_name(f".{root.name}.takes")


def _cameras(request: ExerciserRequest) -> dict[str, Any]:
    return {
        "about": (
            "x_camera = rotation (x - position): x to the right, y down, z ahead. The floor's "
            "frame: metres, x where the person faces, y to their left, z up. SIMULATED cameras "
            "have no distortion."
        ),
        "takes": {
            recording_name(request, part): camera_of(part) for part in request.performances()
        },
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode(), durable=True)
