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

"""MediaPipe: loaded late, since it is large, and its two interfaces behind one face.

One interface uses the models in MediaPipe's package, the other a `.task` file of the user's.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import MODEL_BYTES, read_bytes
from kpm_ros.sense.tracking.following import Detection
from kpm_ros.sense.tracking.tracker import COMPLEXITY, TrackerUnavailableError

PACKAGE = "mediapipe==0.10.21"


def load_mediapipe(what: str) -> Any:
    """Load MediaPipe, to track hands or whatever it is needed for."""
    # Its native part logs every detail of its graphs to the terminal unless told otherwise.
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import mediapipe
    except ImportError as error:
        raise TrackerUnavailableError(
            f"{what} tracking needs MediaPipe, which cannot be loaded ({error}): install "
            f"{PACKAGE}, which exists for Python 3.9 to 3.12"
        ) from None
    return mediapipe


def packaged_models(mediapipe: Any, models: str) -> tuple[str, ...]:
    """List those that MediaPipe's package carries, of the models that it calls so."""
    return tuple(name for name in COMPLEXITY if model_file(mediapipe, models, name).is_file())


def model_file(mediapipe: Any, models: str, name: str) -> Path:
    """Where the package has a model, if it carries it."""
    return Path(mediapipe.__file__).parent / "modules" / models / f"{models}_{name}.tflite"


def packaged(mediapipe: Any, what: str, make: Callable[[], Any]) -> Any:
    """Make a tracker of the models that MediaPipe's package carries."""
    try:
        return make()
    except (AttributeError, ImportError, LookupError, OSError, RuntimeError, ValueError) as error:
        raise TrackerUnavailableError(
            f"MediaPipe {mediapipe.__version__} brings no {what} models ({error}): install "
            f"{PACKAGE}, or give a .task file"
        ) from None


PICTURE_US = 33_333
"""What MediaPipe's own interface lets the time between two pictures be, whatever it was."""


def find(solution: Any, image: NDArray[np.uint8], *outputs: str) -> list[Any]:
    """Give these outputs of a packaged graph for an RGB picture, None where there is nothing.

    Its own `process` copies the picture, and makes a class for each picture's results: twice as
    much work as all that is done here.
    """
    from mediapipe import ImageFormat
    from mediapipe.python import packet_creator

    found, graph = solution._graph_outputs, solution._graph
    found.clear()
    solution._simulated_timestamp += PICTURE_US
    whole = np.ascontiguousarray(image).view()
    # What nobody can write to is read where it lies.
    whole.flags.writeable = False
    packet = packet_creator.create_image_frame(whole, image_format=ImageFormat.SRGB)
    graph.add_packet_to_input_stream("image", packet.at(solution._simulated_timestamp))
    graph.wait_until_idle()
    kinds = solution._output_stream_type_info
    return [
        solution._get_packet_content(kinds[name], found[name]) if name in found else None
        for name in outputs
    ]


class TaskLandmarker(Generic[Detection]):
    """A landmarker of MediaPipe's newer interface, with a model file of the user's."""

    def __init__(
        self,
        mediapipe: Any,
        what: str,
        task_file: str,
        single_pictures: bool,
        read: Callable[[Any], list[Detection]],
        **options: Any,
    ) -> None:
        """Load the file; `what` is hand or pose, as MediaPipe calls its landmarkers.

        `read` makes detections of what it finds.
        """
        self._read = read
        from mediapipe.tasks.python import BaseOptions, vision

        path = _checked(task_file, what)
        self._image = mediapipe.Image
        self._format = mediapipe.ImageFormat.SRGB
        self._single = single_pictures
        self._stamp_ms = -1
        mode = vision.RunningMode.IMAGE if single_pictures else vision.RunningMode.VIDEO
        kind = what.capitalize()
        asked = getattr(vision, f"{kind}LandmarkerOptions")
        try:
            self._landmarker = getattr(vision, f"{kind}Landmarker").create_from_options(
                asked(
                    # As bytes: the file may lie where MediaPipe's own path rules do not reach.
                    base_options=BaseOptions(model_asset_buffer=read_bytes(path, MODEL_BYTES)),
                    running_mode=mode,
                    **options,
                )
            )
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise TrackerUnavailableError(
                f"{path} cannot be used as a {what} model: {reason}"
            ) from None

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        """Give what is found in an RGB picture."""
        picture = self._image(image_format=self._format, data=np.ascontiguousarray(image))
        if self._single:
            return self._read(self._landmarker.detect(picture))
        # It wants strictly increasing milliseconds; frames may be closer than that.
        self._stamp_ms = max(self._stamp_ms + 1, stamp_ns // 1_000_000)
        return self._read(self._landmarker.detect_for_video(picture, self._stamp_ms))

    def close(self) -> None:
        """Free the model."""
        self._landmarker.close()


def coordinates(landmarks: Any) -> NDArray[np.float32]:
    """Give MediaPipe's landmarks as (points, 3)."""
    return np.array([(p.x, p.y, p.z) for p in landmarks], np.float32).reshape(-1, 3)


def _checked(task_file: str, what: str) -> Path:
    path = Path(task_file).expanduser()
    if not path.is_file():
        raise TrackerUnavailableError(f"there is no {what} model at {path}: give a .task file")
    if not zipfile.is_zipfile(path):
        raise TrackerUnavailableError(f"{path} is no .task file: such a file is a zip archive")
    return path
