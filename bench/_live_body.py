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

On a simulated exerciser, whose tracker's delay is drawn from measured ones, with the model that is
shipped and as one that looks 0 ahead; and on a real picture of a person, moved about before the
real tracker.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from _bodies import FPS, PICTURE, moved_about
from _graph import graph_figures, run_graph, show_graph

from kpm_ros.core.resources import find_model
from kpm_ros.models.weight_files import load_tensors, read_card, save_model
from kpm_ros.operate.measurement import PARTS
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
    *(f"delay_{part}_ms" for part in PARTS),
)
SUBJECT = "subject:=body"


def measure(shared: Path, out: Path, seconds: float, model: str) -> dict[str, float]:
    """Run all, the last where there is a picture; its figures begin with `camera_`.

    Those of the one that looks 0 ahead begin with `causal_`.
    """
    summary = run_graph(out / "simulated", seconds, SUBJECT)
    show_graph("a simulated exerciser", summary)
    figures = _wanted("", graph_figures("", summary))
    causal = without_look_ahead(model, out / "causal.safetensors")
    summary = run_graph(out / "causal", seconds, SUBJECT, f"model:={causal}")
    show_graph("the same without look-ahead", summary)
    figures |= _wanted("causal_", graph_figures("", summary))
    picture = shared / PICTURE
    if not picture.is_file():
        print(f"\na person before a camera: left out, there is no {PICTURE} beside the project")
        return figures
    film = make_film(picture, out / "film")
    loop = out / "loop.yaml"
    loop.write_text(LOOP)
    options = [f"cameras:={film}", f"params_file:={loop}", "emg:=false"]
    summary = run_graph(out / "camera", seconds, SUBJECT, *options)
    show_graph("a person before a camera", summary)
    figures |= _wanted("camera_", graph_figures("", summary))
    return figures | {"camera_tracker_cores": summary["cpu_cores"]["camera_front"]}


def without_look_ahead(model: str, path: Path) -> Path:
    """Let a shipped model wait for nothing: what it says of now was so its look-ahead before."""
    shipped = find_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    card = replace(read_card(shipped), name=path.stem, lookahead=0)
    save_model(path, card, load_tensors(shipped), exact=True)
    return path


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
