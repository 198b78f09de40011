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

"""Draws a clip: somebody's movement, and front and back of bodies whose muscles light up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.core.atomic_files import save_figure
from kpm_ros.learn.pictures.body_outline import VIEWS, Outline, Region, outline
from kpm_ros.learn.pictures.clip import Clip, Scene
from kpm_ros.learn.pictures.effort_colours import (
    BODY_COLOUR,
    EDGE_COLOUR,
    effort_map,
)
from kpm_ros.learn.pictures.stick_figure import bone_colours, on_body

SUFFIXES = (".png", ".svg", ".pdf")
HEIGHT_IN, SCENE_IN, BODY_IN = 3.0, 2.4, 2.6
"""Of a row, and widths of its columns, in inches."""
OVER_ALPHA = 0.85


class BodyPanel:
    """A body from the front and from the back, whose muscles change their colours."""

    def __init__(self, ax: Any, muscles: Sequence[str], title: str) -> None:
        """Draw the body at rest."""
        shape: Outline = outline()
        self._regions = shape.find(muscles)
        self._patches: dict[str, Any] = {}
        for place, view in enumerate(VIEWS):
            for contour in shape.contours:
                ax.fill(*_seen(contour, view, place), color=BODY_COLOUR, lw=0)
            for muscle, region in self._regions.items():
                if region.view == view:
                    (self._patches[muscle],) = ax.fill(
                        *_seen(region.contour, view, place), edgecolor=EDGE_COLOUR, lw=0.6
                    )
            ax.text(3.7 * place, 8.0, view, ha="center", va="center", fontsize="x-small")
        ax.set(xlim=(-1.8, 5.5), ylim=(8.2, -0.1), aspect="equal")
        ax.axis("off")
        ax.set_title(title, fontsize="small")

    @property
    def artists(self) -> list[Any]:
        """What changes."""
        return list(self._patches.values())

    def show(self, levels: Mapping[str, float]) -> None:
        """Colour each muscle, from 0 to 1."""
        for muscle, patch in self._patches.items():
            patch.set_facecolor(effort_map()(levels[muscle]))


def _seen(contour: Any, view: str, place: int) -> tuple[Any, Any]:
    """A body facing the reader has its left at the right; seen from behind, at the left."""
    sign = 1 if view == "front" else -1
    return sign * contour[:, 0] + 3.7 * place, contour[:, 1]


class ScenePanel:
    """A stick figure, or a video with its points over it, and muscles along the limbs."""

    def __init__(self, ax: Any, scene: Scene, muscles: Sequence[str]) -> None:
        """Prepare; the first instant is not drawn yet."""
        self._scene = scene
        self._regions: dict[Region, str] = {}
        if scene.lit:
            self._regions = {region: name for name, region in outline().find(muscles).items()}
        self._image: Any = None
        self._lines: list[Any] = []
        self._patches: dict[Region, Any] = {}
        self._ax = ax
        ax.set_aspect("equal")
        ax.axis("off")
        ax.set_title(scene.title, fontsize="small")
        movement = scene.movement
        if movement is not None:
            for region in self._regions:
                (patch,) = ax.fill([], [], lw=0.4, edgecolor=EDGE_COLOUR, alpha=OVER_ALPHA)
                self._patches[region] = patch
            self._lines = [
                ax.plot([], [], color=colour, lw=1.8, solid_capstyle="round")[0]
                for colour in bone_colours(movement.skeleton)
            ]
            left, right, bottom, top = movement.bounds
            ax.set(xlim=(left, right), ylim=(bottom, top))

    @property
    def artists(self) -> list[Any]:
        """What changes, from the back to the front."""
        image = [self._image] if self._image is not None else []
        return [*image, *self._patches.values(), *self._lines]

    def show(self, time_s: float, levels: Mapping[str, float]) -> None:
        """Show an instant; levels are those of the effort that lies over the body."""
        scene = self._scene
        picture = scene.images(time_s) if scene.images else None
        if picture is not None:
            self._show_image(picture)
        if scene.movement is None:
            return
        points = scene.movement.at(time_s)
        skeleton = scene.movement.skeleton
        for bone, line in zip(skeleton.bones, self._lines, strict=True):
            line.set_data(*(([], []) if points is None else points[list(bone)].T))
        laid = {} if points is None else on_body(skeleton, points, list(self._patches))
        for region, patch in self._patches.items():
            patch.set_visible(region in laid)
            if region in laid:
                patch.set_xy(laid[region])
                patch.set_facecolor(effort_map()(levels[self._regions[region]]))

    def _show_image(self, picture: Any) -> None:
        height, width = picture.shape[:2]
        if self._image is None:
            self._image = self._ax.imshow(picture, extent=(0, width, height, 0), zorder=0)
            self._ax.set(xlim=(0, width), ylim=(height, 0))
        else:
            self._image.set_data(picture)


class Row:
    """One instant: scenes, then a body for each source of effort."""

    def __init__(self, axes: Sequence[Any], clip: Clip, titled: bool = True) -> None:
        """Lay the panels out."""
        self._clip = clip
        scenes = len(clip.scenes)
        self.scenes = [
            ScenePanel(ax, scene, clip.muscles)
            for ax, scene in zip(axes[:scenes], clip.scenes, strict=True)
        ]
        self.bodies = {
            name: BodyPanel(ax, clip.muscles, name)
            for ax, name in zip(axes[scenes:], clip.tracks, strict=True)
        }
        if not titled:
            for ax in axes:
                ax.set_title("")
        self.time = axes[0].text(
            0.0, 0.0, "", transform=axes[0].transAxes, fontsize="x-small", va="bottom"
        )

    @property
    def artists(self) -> list[Any]:
        """What changes."""
        panels: list[ScenePanel | BodyPanel] = [*self.scenes, *self.bodies.values()]
        return [*(artist for panel in panels for artist in panel.artists), self.time]

    def show(self, time_s: float) -> None:
        """Show an instant."""
        levels = {}
        for name, track in self._clip.tracks.items():
            effort = dict(zip(self._clip.muscles, track.at(time_s), strict=True))
            levels[name] = {
                muscle: self._clip.scale.of(muscle, value) for muscle, value in effort.items()
            }
        for name, body in self.bodies.items():
            body.show(levels[name])
        for panel, scene in zip(self.scenes, self._clip.scenes, strict=True):
            panel.show(time_s, levels.get(scene.lit, {}))
        self.time.set_text(f"{time_s:.2f} s")


def make_rows(clip: Clip, rows: int) -> tuple[Any, list[Row]]:
    """Make a figure with so many rows, its heading and its scale bar."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    columns = len(clip.scenes) + len(clip.tracks)
    widths = [SCENE_IN] * len(clip.scenes) + [BODY_IN] * len(clip.tracks)
    figure = Figure(figsize=(sum(widths), HEIGHT_IN * rows + 0.9), layout="constrained")
    axes = np.empty((rows, columns), object)
    axes[:] = figure.subplots(rows, columns, squeeze=False, gridspec_kw={"width_ratios": widths})
    made = [Row(list(line), clip, titled=number == 0) for number, line in enumerate(axes)]
    bar = figure.colorbar(
        ScalarMappable(cmap=effort_map()),
        ax=list(axes.ravel()),
        orientation="horizontal",
        fraction=0.04,
        aspect=60,
        pad=0.01,
    )
    bar.set_label(f"effort: {clip.scale.words}", fontsize="x-small")
    bar.ax.tick_params(labelsize="x-small")
    figure.suptitle(f"{clip.title}, {clip.kind}", fontsize="medium")
    return figure, made


def draw_picture(path: Path, clip: Clip, instants: Sequence[float]) -> None:
    """Draw some instants below each other into a PNG, SVG or PDF file."""
    figure, rows = make_rows(clip, len(instants))
    for row, time_s in zip(rows, instants, strict=True):
        row.show(float(time_s))
    save_figure(figure, path)
