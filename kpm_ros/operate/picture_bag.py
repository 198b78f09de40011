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

"""A bag as `kpm picture` needs it: effort, points of a body, pictures of the camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kpm_ros.core.foreign_files import printable
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.learn.pictures.stick_figure import USUAL_ASPECT, Movement
from kpm_ros.learn.pictures.video_images import KeptImages
from kpm_ros.operate.bag_efforts import BagEfforts
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.picture_sources import Seen
from kpm_ros.pipeline_topics import LANDMARKS
from kpm_ros.replay.bag import BagError
from kpm_ros.sense.camera import pixels
from kpm_ros.sense.camera.image_headers import PictureError
from kpm_ros.wire import decode

if TYPE_CHECKING:
    from kpm_ros.learn.pictures.clip import Images
    from kpm_ros.sense.samples import LandmarkFrame

IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
AROUND_S = 1.0
"""Before and after an excerpt from which points and pictures may still be shown."""


class BagPictures(BagEfforts):
    """One bag; use it in a `with` block."""

    def __init__(self, path: Path, namespace: str, view: str) -> None:
        """Open it, and read what its effort is."""
        super().__init__(path, namespace)
        self._view = view

    def seen(
        self, begin_ns: int, start_s: float, end_s: float
    ) -> tuple[Seen | None, Images | None]:
        """Read points and pictures of an excerpt, its times counted from `begin_ns`."""
        span_ns = [begin_ns + round(s * 1e9) for s in (start_s - AROUND_S, end_s + AROUND_S)]
        view, frames = self._frames(span_ns)
        images = self._images(view, begin_ns, span_ns)
        if not frames:
            return None, images or None
        return _as_seen(frames, begin_ns), images or None

    def _frames(self, span_ns: Sequence[int]) -> tuple[str, list[LandmarkFrame]]:
        """Read the landmarks of the view that was asked for, or of the first one that has any."""
        kind = LANDMARKS.type
        by_view: dict[str, list[LandmarkFrame]] = {}
        topics = self._topics_of(kind)
        for message in self._bag.messages(topics) if topics else ():
            try:
                frame = decode.landmark_frame(self._bag.decode(message))
            except decode.RefusedMessageError:
                continue  # nor would the live pipeline have used it
            if span_ns[0] <= frame.stamp_ns <= span_ns[1]:
                by_view.setdefault(frame.view, []).append(frame)
        if self._view and self._view not in by_view:
            raise UserError(
                f"the bag has no view {self._view!r} there: it has "
                f"{printable(', '.join(by_view)) or 'none'}"
            )
        view = self._view or next(iter(by_view), "")
        return view, sorted(by_view.get(view, ()), key=lambda frame: frame.stamp_ns)

    def _topics_of(self, *kinds: str) -> list[str]:
        """List the pipeline's topics of these types."""
        begin = f"/{self._namespace}/" if self._namespace else "/"
        topics = self._bag.topics.items()
        return [name for name, kind in topics if kind in kinds and name.startswith(begin)]

    def _images(self, view: str, begin_ns: int, span_ns: Sequence[int]) -> KeptImages | None:
        """Keep the pictures of that camera, where they were recorded."""
        wanted = self._topics_of(*IMAGES)
        if view:
            wanted = [name for name in wanted if f"/{view}/" in name]
        kept = KeptImages()
        for message in self._bag.messages(wanted[:1]) if wanted else ():
            image = self._bag.decode(message)
            stamp_ns = decode.time_ns(image.header.stamp)
            if span_ns[0] <= stamp_ns <= span_ns[1]:
                kept.add((stamp_ns - begin_ns) / 1e9, self._picture(image, message.type))
        return kept if len(kept) else None

    def _picture(self, image: Any, kind: str) -> Any:
        try:
            if kind == IMAGES[1]:
                return pixels.decode(image.data)
            return pixels.to_rgb(
                image.data,
                image.encoding,
                image.width,
                image.height,
                image.step,
                bool(image.is_bigendian),
            )
        except PictureError as error:
            raise BagError(f"a picture in {self._path}: {error}") from None


def _as_seen(frames: Sequence[LandmarkFrame], begin_ns: int) -> Seen:
    """Put frames together: in metres where they are told, and as fractions of the picture."""
    skeleton = find_skeleton(frames[0].skeleton)
    frames = [one for one in frames if one.skeleton == skeleton.name]
    times = np.array([(one.stamp_ns - begin_ns) / 1e9 for one in frames])
    nowhere = np.full((len(skeleton), 3), np.nan)

    def stacked(name: str) -> Movement:
        arrays = [getattr(one, name) for one in frames]
        whole = [a if a is not None and a.shape == nowhere.shape else nowhere for a in arrays]
        return Movement(skeleton, times, np.array(whole, np.float64)[..., :2])

    fractions = stacked("points")
    metric = any(one.metres is not None for one in frames)
    width, height = next((one.image_size for one in frames if all(one.image_size)), (0, 0))
    aspect = width / height if height else USUAL_ASPECT
    return Seen(stacked("metres") if metric else fractions.scaled((aspect, 1)), fractions)
