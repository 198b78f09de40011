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

"""The published scores of movement against the movement that was played, clip by clip.

As coded, whether hands were visible makes no difference, and some do not measure what their names
say; beside each stands what does, over frames in which both movements' hands are visible. Only of
the distance of places (PD) the paper states a formula that is known here and differs.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion, MotionError
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.motion.columns import columns_of

Array = NDArray[np.float64]

CLIP_S = 8.0
RATE_HZ = 30.0
COMPONENTS, MIXED = 10, 13
"""Principal components of the turns, and Gaussians in the mixture of their spread."""
_PCA_ROWS = 16
_MOST_ITERATIONS = 200


class ClipScores(NamedTuple):
    """One hand in one clip, or the mean of many; the lower the nearer. NaN is what cannot be told.

    Turns are in radians, places in metres.
    """

    fgd_as_coded: float
    """Fréchet distance of all 48 turns' means and covariances."""
    fgd_visible: float
    wgd_as_coded: float
    """Transport between two mixtures, each in principal components of its own, divided by the
    longest way: from 0 to 1, and of two different spaces."""
    wgd_one_space: float
    """The same in the principal components of what was played, in radians."""
    pd_as_coded: float
    """Mean distance of places, without their height."""
    pd_as_written: float
    """Mean squared distance of places."""
    pd_visible: float
    """Mean distance of places with their height."""
    smooth_as_coded: float
    """Difference of what is called acceleration: distance from the last frame, less its end."""
    smooth_acceleration: float
    """Difference of the turns' accelerations, in radians a frame squared."""


def score_clip(played: HandMotion, made: HandMotion) -> dict[str, ClipScores]:
    """Score each hand of a movement against what was played, of the same frames at 30 Hz."""
    if played.frame != made.frame:
        raise MotionError(
            f"one movement is in the {played.frame}'s frame and the other in the {made.frame}'s: "
            "register the camera first"
        )
    truth, other = columns_of(played), columns_of(made)
    frames = min(len(truth.visible), len(other.visible))
    found = {}
    for number, side in enumerate((RIGHT, LEFT)):
        seen = truth.visible[:frames, number] & other.visible[:frames, number]
        turns = [each.turns[:frames, number].astype(np.float64) for each in (truth, other)]
        places = [each.places[:frames, number].astype(np.float64) for each in (truth, other)]
        found[side] = _score(turns, places, seen)
    return found


def _score(turns: list[Array], places: list[Array], seen: NDArray[np.bool_]) -> ClipScores:
    off = places[0] - places[1]
    shown = [each[seen] for each in turns]
    enough = len(shown[0]) > MIXED
    return ClipScores(
        fgd_as_coded=frechet(*turns),
        fgd_visible=frechet(*shown) if enough else np.nan,
        wgd_as_coded=wgd_as_coded(*turns),
        wgd_one_space=wgd_one_space(*shown) if enough else np.nan,
        pd_as_coded=float(np.linalg.norm(off[:, :2], axis=1).mean()),
        pd_as_written=float(np.square(off).sum(axis=1).mean()),
        pd_visible=float(np.linalg.norm(off[seen], axis=1).mean()) if seen.any() else np.nan,
        smooth_as_coded=smooth_as_coded(*turns),
        smooth_acceleration=_acceleration_error(turns, seen),
    )


def frechet(one: Array, other: Array) -> float:
    """Fréchet distance between Gaussians of two sets of rows (n, d), squared as is usual.

    >>> rows = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(frechet(rows, rows), 6), round(frechet(rows, rows + 2.0), 6)
    (0.0, 12.0)
    """
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    apart = one.mean(axis=0) - other.mean(axis=0)
    values = np.linalg.eigvals(first @ second).astype(np.complex128)
    shared = float(np.sqrt(values).real.sum())
    return float(apart @ apart + np.trace(first) + np.trace(second) - 2 * shared)


def wgd_as_coded(one: Array, other: Array) -> float:
    """Transport between mixtures of each set's own principal components, 0 to 1."""
    from sklearn.decomposition import IncrementalPCA

    def own(rows: Array) -> Array:
        with np.errstate(invalid="ignore"):  # of rows that are all the same
            return np.asarray(IncrementalPCA(COMPONENTS, batch_size=_PCA_ROWS).fit_transform(rows))

    first, second = _mixture(own(one)), _mixture(own(other))
    ways = _ways(first[1], second[1])
    longest = ways.max()
    return transport(first[0], second[0], ways / longest) if longest else 0.0


def wgd_one_space(played: Array, made: Array) -> float:
    """Transport between mixtures in the principal components of what was played."""
    from sklearn.decomposition import PCA

    space = PCA(min(COMPONENTS, *played.shape), random_state=0).fit(played)
    first, second = _mixture(space.transform(played)), _mixture(space.transform(made))
    return transport(first[0], second[0], _ways(first[1], second[1]))


def _mixture(rows: Array) -> tuple[Array, Array]:
    """Weights and means of a mixture of Gaussians."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        # Frames may be fewer kinds than there are Gaussians: a hand may rest.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = GaussianMixture(MIXED, random_state=0, max_iter=_MOST_ITERATIONS).fit(rows)
    return np.asarray(mixture.weights_), np.asarray(mixture.means_)


def _ways(one: Array, other: Array) -> Array:
    return np.asarray(np.linalg.norm(one[:, None] - other[None], axis=-1))


def transport(have: Array, want: Array, ways: Array) -> float:
    """Least work that turns weights (a,) into others (b,) over ways (a, b).

    >>> round(transport(np.array([1.0]), np.array([0.5, 0.5]), np.array([[1.0, 3.0]])), 6)
    2.0
    """
    from scipy.optimize import linprog

    rows, columns = ways.shape
    leaving = np.kron(np.eye(rows), np.ones(columns))
    arriving = np.kron(np.ones(rows), np.eye(columns))
    # Weights add up to one but for rounding, which would leave no solution.
    due = np.concatenate([have / have.sum(), (want / want.sum())[:-1]])
    done = linprog(ways.ravel(), A_eq=np.vstack([leaving, arriving[:-1]]), b_eq=due)
    return float(done.fun)


def smooth_as_coded(one: Array, other: Array) -> float:
    """Mean difference of what the published code takes for acceleration (n - 2,)."""

    def taken(rows: Array) -> Array:
        away = np.linalg.norm(rows[:-1] - rows[-1:], axis=1)
        return np.asarray(away[:-1] - away[-1:])

    return float(np.abs(taken(other) - taken(one)).mean())


def _acceleration_error(turns: list[Array], seen: NDArray[np.bool_]) -> float:
    whole = seen[:-2] & seen[1:-1] & seen[2:]
    if not whole.any():
        return np.nan
    sizes = [np.linalg.norm(np.diff(rows, 2, axis=0)[whole], axis=1) for rows in turns]
    return float(np.abs(sizes[1] - sizes[0]).mean())


def mean_of(scores: list[ClipScores]) -> ClipScores:
    """Average clips; what could not be told of a clip is left out."""
    rows = np.array(scores, np.float64)
    known = np.isfinite(rows)
    total = np.where(known, rows, 0).sum(axis=0)
    return ClipScores(
        *np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
    )
