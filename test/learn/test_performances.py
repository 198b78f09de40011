"""Simulated performances and who is in which part."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.learn.performances import STUDIES, Recipe, mean_effort, pose_normalisation, simulate

RECIPE = Recipe(minutes=0.25, persons=5, held_out=1, seed=2)


@pytest.fixture(scope="module")
def performances():
    return simulate(RECIPE)


def test_each_person_is_in_one_part_only(performances):
    assert len(performances.training) == 3 * STUDIES
    assert len(performances.choosing) == STUDIES
    assert len(performances.scoring) == STUDIES - 1
    assert len(performances.scoring_notes) == 1
    everything = [
        *performances.training,
        *performances.choosing,
        *performances.scoring,
        *performances.scoring_notes,
    ]
    poses = {one.pose.tobytes() for one in everything}
    assert len(poses) == len(everything) == RECIPE.persons * STUDIES


def test_all_together_last_as_long_as_asked_for(performances):
    samples = sum(len(one.effort) for one in performances.training)
    assert samples == pytest.approx(0.25 * 60 * 1024 * 3 / 5, rel=0.01)


def test_the_same_recipe_is_the_same_data(performances):
    again = simulate(RECIPE)
    for one, other in zip(performances.scoring, again.scoring, strict=True):
        for signal, repeated in zip(one, other, strict=True):
            assert np.array_equal(signal, repeated)


def test_other_seeds_are_other_persons(performances):
    other = simulate(Recipe(minutes=0.25, persons=5, held_out=1, seed=3))
    assert not np.array_equal(performances.scoring[0].effort, other.scoring[0].effort)


def test_the_normalised_pose_has_no_offset_and_unit_size(performances):
    offset, scale = pose_normalisation(performances.training)
    pose = np.concatenate([one.pose for one in performances.training]).astype(np.float64)
    normal = (pose - offset) / scale
    assert np.abs(normal.mean(axis=0)).max() < 1e-6
    assert normal.std(axis=0) == pytest.approx(np.ones(pose.shape[1]))


def test_the_mean_effort_is_over_samples(performances):
    every = np.concatenate([one.effort for one in performances.training])
    assert mean_effort(performances.training) == pytest.approx(every.mean(axis=0), rel=1e-4)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"minutes": 0}, "minutes must be above 0"),
        ({"persons": 4, "held_out": 2}, "at least 5 are needed"),
        ({"held_out": 0}, "at least 1 person"),
        ({"views": ("top", "left")}, "the simulated views are right, top, not top, left"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(wrong, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**wrong)
