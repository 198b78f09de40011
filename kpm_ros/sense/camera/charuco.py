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

"""A lens measured with a ChArUco board: a chessboard with markers, printed and held in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.camera.camera_calibration import Calibration, CalibrationError
from kpm_ros.sense.camera.opencv import load_opencv

FEWEST_CORNERS = 8
FEWEST_PICTURES = 5
WORST_PX = 1.0
"""Root mean square of the corners' errors."""


@dataclass(frozen=True)
class Board:
    """A printed board's measures.

    >>> Board.parse("7x5,0.035,0.026,DICT_5X5_100").square_m
    0.035
    """

    columns: int = 7
    rows: int = 5
    square_m: float = 0.035
    marker_m: float = 0.026
    dictionary: str = "DICT_5X5_100"

    @classmethod
    def parse(cls, text: str) -> Board:
        """Read COLUMNSxROWS,SQUARE,MARKER,DICTIONARY."""
        try:
            size, square, marker, dictionary = (word.strip() for word in text.split(","))
            columns, rows = (int(word) for word in size.lower().split("x"))
            board = cls(columns, rows, float(square), float(marker), dictionary)
        except ValueError:
            raise CalibrationError(
                f"board is {text!r}, but must be COLUMNSxROWS,SQUARE,MARKER,DICTIONARY with "
                "lengths in metres, such as 7x5,0.035,0.026,DICT_5X5_100"
            ) from None
        board.made()
        return board

    def made(self) -> object:
        """Make OpenCV's board."""
        cv2 = load_opencv()
        kind = getattr(cv2.aruco, self.dictionary, None)
        if not isinstance(kind, int) or not self.dictionary.startswith("DICT_"):
            raise CalibrationError(
                f"{self.dictionary!r} is no dictionary of OpenCV's aruco, such as DICT_5X5_100"
            )
        fits = 0 < self.marker_m < self.square_m < 1
        if not (fits and 3 <= self.columns <= 50 and 3 <= self.rows <= 50):
            raise CalibrationError(
                "a board has 3 to 50 columns and rows, and markers smaller than its squares"
            )
        dictionary = cv2.aruco.getPredefinedDictionary(kind)
        size = (self.columns, self.rows)
        try:
            return cv2.aruco.CharucoBoard(size, self.square_m, self.marker_m, dictionary)
        except cv2.error:
            raise CalibrationError(
                f"{self.dictionary} has too few markers for {self.columns}x{self.rows} squares"
            ) from None


def measure_lens(images: Sequence[NDArray[np.uint8]], board: Board) -> Calibration:
    """Calibrate a lens from pictures of the board, held at many places and angles."""
    cv2 = load_opencv()
    made = board.made()
    detector = cv2.aruco.CharucoDetector(made)
    points, seen = [], []
    height, width = images[0].shape[:2] if images else (0, 0)
    for image in images:
        if image.shape[:2] != (height, width):
            raise CalibrationError("all pictures of the board must be of one size")
        corners, names, _, _ = detector.detectBoard(image)
        if names is not None and len(names) >= FEWEST_CORNERS:
            there, here = made.matchImagePoints(corners, names)  # type: ignore[attr-defined]
            points.append(there)
            seen.append(here)
    if len(points) < FEWEST_PICTURES:
        raise CalibrationError(
            f"the board is seen with {FEWEST_CORNERS} corners in {len(points)} of {len(images)} "
            f"pictures, but {FEWEST_PICTURES} are needed: is it the board that was named, whole "
            "and sharp"
        )
    error, matrix, bend, _, _ = cv2.calibrateCamera(points, seen, (width, height), None, None)
    if not error <= WORST_PX:
        raise CalibrationError(
            f"the board's corners are off by {error:.2f} pixels, but {WORST_PX:g} at most is sure"
        )
    k = tuple(float(value) for value in matrix.ravel())
    d = tuple(float(value) for value in bend.ravel()[:5])
    r = tuple(np.eye(3).ravel().tolist())
    p = tuple(np.hstack((matrix, np.zeros((3, 1)))).ravel().tolist())
    return Calibration(width, height, "plumb_bob", d, k, r, p)
