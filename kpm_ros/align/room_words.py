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

"""What is wrong with a room's cameras, in sentences that say what to do."""

from __future__ import annotations

from collections.abc import Sequence

from kpm_ros.align.strikes import Fit


def swapped(views: Sequence[str]) -> str:
    """Say that views have each other's names."""
    names = " and ".join(repr(view) for view in views)
    return f"the views {names} seem to be swapped: give each camera the other's name"


def moved(view: str) -> str:
    """Say which camera was moved."""
    return (
        f"camera {view!r} no longer stands where it was registered: run `kpm calibrate room` for "
        "it, or play on until it is found again"
    )


def another_shape(view: str, size: tuple[int, int], registered: tuple[int, int]) -> str:
    """Say that pictures are not as they were when their camera was registered."""
    width, height = size
    return (
        f"the pictures of camera {view!r} are {width}x{height}, but it was registered with "
        f"{registered[0]}x{registered[1]}, which is another shape: set that size, or run `kpm "
        "calibrate room` for it"
    )


def one_of_them_moved(views: Sequence[str]) -> str:
    """Say that one of some cameras was moved."""
    names = " and ".join(repr(view) for view in views)
    return (
        f"the cameras {names} contradict each other, so one of them was moved: run `kpm calibrate "
        "room` for both, or play on until it is found again"
    )


def keys_apart(one: Fit, octaves: int) -> str:
    """Say how keys and fingers do not fit, and what to do."""
    if not one.is_shifted:
        return (
            "keys go down where the tracked hand has no finger: are the piano's notes and the "
            "cameras of the same piano, and is the hand the one that plays?"
        )
    across_m, along_m = one.shift_m
    if octaves:
        side = "left" if octaves > 0 else "right"
        return (
            f"keys go down {abs(octaves)} octave{'s' if abs(octaves) > 1 else ''} to the {side} of "
            "the fingers that strike: check the piano's transposition"
        )
    if abs(across_m) >= abs(along_m):
        side = "to the left of" if across_m > 0 else "to the right of"
    else:
        side = "in front of" if along_m > 0 else "behind"
    far_m = max(abs(across_m), abs(along_m))
    return (
        f"keys go down {100 * far_m:.0f} cm {side} the fingers that strike: the piano was moved, "
        "or registered wrongly: run `kpm calibrate room`"
    )
