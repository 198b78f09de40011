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

"""A body live: from exposure to effort, and what the estimator costs.

Twice: on a simulated exerciser, whose tracker's delay is drawn from measured ones; and on a real
picture of a person, moved about before the real tracker.
"""

from __future__ import annotations

from pathlib import Path

from _bodies import FPS, PICTURE, moved_about
from _graph import graph_figures, run_graph, show_graph

from kpm_ros.sense.camera.opencv import load_opencv

LOOP = f"""/**/camera_front:
  ros__parameters:
    loop: true
    fps: {FPS}.0
"""
FILM_S = 4.0
WANTED = (
    "exposure_to_effort_p50_ms",
    "exposure_to_effort_p99_ms",
    "tracking_p50_ms",
    "compute_p99_ms",
    "estimator_cores",
)


def measure(shared: Path, out: Path, seconds: float, model: str = "") -> dict[str, float]:
    """Run both, the second where there is a picture; figures of the picture begin with `camera_`.

    `model` is the subject's usual one if it is empty.
    """
    options = ["subject:=body", *([f"model:={model}"] if model else [])]
    summary = run_graph(out / "simulated", seconds, *options)
    show_graph("a simulated exerciser", summary)
    figures = _wanted("", graph_figures("", summary))
    picture = shared / PICTURE
    if not picture.is_file():
        print(f"\na person before a camera: left out, there is no {PICTURE} beside the project")
        return figures
    film = make_film(picture, out / "film")
    loop = out / "loop.yaml"
    loop.write_text(LOOP)
    options += [f"cameras:={film}", f"params_file:={loop}", "emg:=false"]
    summary = run_graph(out / "camera", seconds, *options)
    show_graph("a person before a camera", summary)
    figures |= _wanted("camera_", graph_figures("", summary))
    return figures | {"camera_tracker_cores": summary["cpu_cores"]["camera_front"]}


def _wanted(prefix: str, figures: dict[str, float]) -> dict[str, float]:
    return {prefix + name: figures[name] for name in WANTED}


def make_film(picture: Path, folder: Path) -> Path:
    """Write the pictures of a person who sways as a folder of images.

    They are not compressed: what a camera's driver hands on is not decoded by the tracker either.
    """
    cv2 = load_opencv()
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(moved_about(picture, FILM_S)):
        path = folder / f"{number:04d}.bmp"
        cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return folder
