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

"""The folder of a simulated data set: what is in it besides the performances themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kpm_ros import __version__
from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import read_json
from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.release import release_layout
from kpm_ros.simulate.release.files import as_json_bytes
from kpm_ros.simulate.release.performance import cameras_of
from kpm_ros.simulate.release.request import Request
from kpm_ros.simulate.release.splits import (
    Places,
    architectural_splits,
    as_json,
    held_out_splits,
)
from kpm_ros.simulate.tasks import TASKS

GENERATOR = 3
"""Goes up whenever the same request gives other data, if only in the last digit.

From 2 to 3: SciPy smooths the landmarks, whose last digit may be another.
"""
_SIMULATOR = ("generator", "persons", "tasks")
_NOTICE = (
    "SIMULATED: hands, keys and muscle signals of this data set were computed, not recorded. They "
    "say nothing about people."
)


def open_folder(root: Path, request: Request) -> None:
    """Make the folder ready, or go on in one that was begun with the same request."""
    begin(
        root,
        _content(request),
        _SIMULATOR,
        {release_layout.CAMERAS: as_json_bytes(_cameras(request))},
    )


def begin(
    root: Path, wanted: dict[str, Any], simulator: Sequence[str], others: Mapping[str, bytes]
) -> None:
    """Write a manifest and files beside it, unless they are there of the same request.

    `simulator` names the parts of a manifest that one version of the simulator always writes alike.
    """
    manifest = root / release_layout.MANIFEST
    if manifest.exists():
        _must_agree(manifest, wanted, simulator)
    elif root.is_dir() and any(root.iterdir()):
        raise ValueError(
            f"{root} holds something else than a simulated data set: choose an empty folder"
        )
    else:
        for name, content in others.items():
            write_atomically(root / name, content, durable=True)
        write_atomically(manifest, as_json_bytes(wanted), durable=True)


def finish_folder(root: Path, request: Request) -> None:
    """Write the split files, by which a data set is known to be whole."""
    for name, places in (
        (release_layout.ARCHITECTURAL, architectural_splits(request)),
        (release_layout.HELD_OUT, held_out_splits(request)),
    ):
        write_atomically(root / name, as_json_bytes(as_json(places)), durable=True)


def _must_agree(manifest: Path, wanted: dict[str, Any], simulator: Sequence[str]) -> None:
    """Refuse a folder that was begun with other arguments, naming the first that differs."""
    try:
        found = read_json(manifest)
        there = dict(found["request"])
        same_simulator = all(found[part] == wanted[part] for part in simulator)
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{manifest} is damaged: choose another folder") from None
    for name, value in wanted["request"].items():
        if there.get(name) != value:
            raise ValueError(
                f"{manifest.parent.parent} was begun with {name} {there.get(name)}, not {value}: "
                "give the same arguments to go on with it, or choose another folder"
            )
    if not same_simulator:
        raise ValueError(
            f"{manifest.parent.parent} was begun by another version of the simulator: choose "
            "another folder"
        )


def _content(request: Request) -> dict[str, Any]:
    """Everything that the manifest says."""
    people = {
        f"p{number}": asdict(Person.from_seed(request.person_seed(number)))
        for number in range(1, request.pianists + 1)
    }
    places = {
        release_layout.ARCHITECTURAL: architectural_splits(request),
        release_layout.HELD_OUT: held_out_splits(request),
    }
    content = {
        "notice": _NOTICE,
        "simulated": True,
        "generator": GENERATOR,
        "made_with": f"kpm_ros {__version__}",
        "request": request.as_json(),
        "tasks": {f"t{number}": _title(request, number) for number in request.task_numbers},
        "left_out": (
            "held-out pianists playing held-out tasks are in neither test of the held-out splits"
        ),
        "performances": _places(places),
        "persons": people,
    }
    # Tuples become lists, as they will be when the file is read again.
    return dict(json.loads(json.dumps(content)))


def _title(request: Request, number: int) -> str:
    return TASKS[number - 1].name if number <= len(TASKS) else request.midi_of(number).stem


def _places(splits: dict[str, Places]) -> dict[str, dict[str, str]]:
    """Each performance's place in both split files."""
    table: dict[str, dict[str, str]] = {}
    for file, places in splits.items():
        for split, names in places.items():
            for name in names:
                table.setdefault(str(name), {})[file] = split
    return table


def _cameras(request: Request) -> dict[str, Any]:
    """Calibration of every pianist's cameras."""
    return {
        "about": (
            "x_camera = rotation (x_piano - position): x to the right, y down, z ahead; "
            "pixel = matrix x_camera / z. The piano's frame: metres, origin at the left front "
            "edge of the lowest white key, x to the right, y to the fallboard, z up. Simulated "
            "cameras have no distortion."
        ),
        "pianists": {
            f"p{number}": {
                camera.name: calibration(camera) for camera in cameras_of(request, number)
            }
            for number in range(1, request.pianists + 1)
        },
    }


def calibration(camera: SimulatedCamera) -> dict[str, Any]:
    """Intrinsics and extrinsics of one camera."""
    width, height = camera.image_size
    focal = camera.focal * width
    return {
        "image_size": [width, height],
        "fps": camera.fps,
        "matrix": [[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]],
        "distortion": [0.0] * 5,
        "rotation": camera.rotation.tolist(),
        "position": list(camera.position),
    }
