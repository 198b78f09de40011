"""Simulated performances to train on, to choose by and to score on, by different persons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.dataset import Rendering, render
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.studies import random_study

STUDIES = 3
"""Random studies that each person plays; the last on a piano that sends notes, not key depth."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is rendered."""

    minutes: float = 40.0
    """Of all performances together."""
    persons: int = 60
    held_out: int = 4
    """How many of the last persons are for scores alone, and how many before them for choosing."""
    seed: int = 1
    rate_hz: int = 1024
    views: tuple[str, ...] = ("top", "right")

    def __post_init__(self) -> None:
        if not 0 < self.minutes <= 600:
            raise ValueError(f"minutes must be above 0 and at most 600, not {self.minutes:g}")
        if self.held_out < 1:
            raise ValueError(f"at least 1 person must be held out, not {self.held_out}")
        if self.persons <= 2 * self.held_out:
            raise ValueError(
                f"of {self.persons} persons, {self.held_out} held out for scores and as many for "
                f"choosing leave none to train on: at least {2 * self.held_out + 1} are needed"
            )
        known = {camera.name for camera in default_cameras()}
        if not self.views or not known.issuperset(self.views):
            raise ValueError(
                f"the simulated views are {', '.join(sorted(known))}, not {', '.join(self.views)}"
            )

    @property
    def study_s(self) -> float:
        """Length of one performance."""
        return self.minutes * 60 / self.persons / STUDIES


@dataclass
class Performances:
    """What was rendered; one person is in one of the parts only."""

    training: list[Rendering] = field(default_factory=list)
    choosing: list[Rendering] = field(default_factory=list)
    scoring: list[Rendering] = field(default_factory=list)
    scoring_notes: list[Rendering] = field(default_factory=list)
    """By the persons of `scoring`, on a piano that sends notes only."""


def simulate(recipe: Recipe, on_person: Callable[[int], None] | None = None) -> Performances:
    """Render all performances; `on_person` hears how many persons are done."""
    result = Performances()
    for number in range(recipe.persons):
        *sensed, notes = _person(recipe, number)
        from_end = recipe.persons - number
        if from_end <= recipe.held_out:
            result.scoring += sensed
            result.scoring_notes.append(notes)
        elif from_end <= 2 * recipe.held_out:
            result.choosing += [*sensed, notes]
        else:
            result.training += [*sensed, notes]
        if on_person is not None:
            on_person(number + 1)
    return result


def _person(recipe: Recipe, number: int) -> list[Rendering]:
    """One person's studies, seen by cameras that stand a little differently for each person."""
    seed = 1000 * recipe.seed + number
    person = Person.from_seed(seed)
    placed = {camera.name: camera.nudged(seed) for camera in default_cameras()}
    cameras = [placed[view] for view in recipe.views]
    renderings = []
    for study in range(STUDIES):
        study_seed = seed * STUDIES + study
        score = random_study(study_seed, recipe.study_s)
        renderings.append(
            render(
                Pianist(score, seed=study_seed, person=person),
                cameras,
                recipe.study_s,
                seed=study_seed,
                rate_hz=recipe.rate_hz,
                keys="events" if study == STUDIES - 1 else "motion",
            )
        )
    return renderings


def pose_normalisation(
    performances: Sequence[Rendering],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each pose channel over all performances."""
    count = sum(len(one.pose) for one in performances)
    mean = sum(one.pose.sum(axis=0, dtype=np.float64) for one in performances) / count
    square = sum(((one.pose - mean) ** 2).sum(axis=0) for one in performances) / count
    # A channel that never moves is left at its size rather than blown up.
    scale = np.sqrt(square)
    return np.asarray(mean), np.where(scale > 1e-6, scale, 1.0)


def mean_effort(performances: Sequence[Rendering]) -> NDArray[np.float64]:
    """Mean effort of each muscle over all samples."""
    count = sum(len(one.effort) for one in performances)
    total = sum(one.effort.sum(axis=0, dtype=np.float64) for one in performances)
    return np.asarray(total / count)
