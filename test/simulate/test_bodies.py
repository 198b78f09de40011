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

"""Bodies by name, and what their owners remember."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate import bodies
from kpm_ros.simulate.learnt_cache import LearntCache, user_folder
from kpm_ros.simulate.person import MUSCLES, Person
from kpm_ros.simulate.pianist import Learnt, Pianist

SCORE = Score.of([Note(0.2 * k, 0.2, p, 70) for k, p in enumerate((60, 64, 67, 72))])
LEARNT = Learnt(np.arange(12.0).reshape(4, 3), np.arange(8.0).reshape(4, 2))
NAMES = Learnt._fields
needs_anatomy = pytest.mark.skipif(
    find_spec("mujoco") is None or find_spec("myo_sim") is None, reason="MuJoCo is not installed"
)


def test_a_piece_that_is_too_long_to_be_learnt_is_refused() -> None:
    rests = Score.of([Note(0.0, 0.2, 60, 70), Note(5 * 3600.0, 0.2, 60, 70)], name="rests")
    with pytest.raises(ValueError, match=r"'rests' lasts 5 h, but .* only up to 1 h"):
        bodies.make_pianist(rests, body="plain")


def test_a_plain_body_is_the_plain_pianist() -> None:
    times = np.arange(0, 1.5, 0.01)
    made = bodies.make_pianist(SCORE, 3, Person.from_seed(3), "plain")
    assert np.array_equal(
        made.landmarks(times), Pianist(SCORE, 3, Person.from_seed(3)).landmarks(times)
    )
    assert made.all_muscles == made.muscles == MUSCLES


@needs_anatomy
def test_an_anatomical_body_has_all_muscles_of_the_hand_the_published_ones_first() -> None:
    made = bodies.make_pianist(SCORE, 3, Person.from_seed(3))
    times = np.arange(0, made.period_s, 0.01)
    assert made.muscles == MUSCLES
    assert made.all_muscles[:6] == MUSCLES
    assert len(set(made.all_muscles)) == 40
    every = made.all_activation(times)
    assert every.shape == (len(times), 40)
    assert every.min() >= 0
    assert every.max() <= 1
    assert np.array_equal(every[:, :6], made.activation(times))
    assert made.posture(times).shape == (len(times), 26)


@needs_anatomy
def test_what_was_learnt_once_is_not_worked_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kpm_ros.simulate.anatomy.anatomical_pianist import WholeHand

    first = bodies.make_pianist(SCORE, 3, Person(), remembered=tmp_path)
    monkeypatch.delattr(WholeHand, "activation")
    again = bodies.make_pianist(SCORE, 3, Person(), remembered=tmp_path)
    times = np.arange(0, 3.0, 0.01)
    assert np.array_equal(first.all_activation(times), again.all_activation(times))
    assert np.array_equal(first.landmarks(times), again.landmarks(times))
    with pytest.raises(AttributeError):
        bodies.make_pianist(SCORE, 4, Person(), remembered=tmp_path)


def test_a_body_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no body 'wooden': it must be one of anatomical, plain"):
        bodies.make_pianist(SCORE, body="wooden")


def test_a_missing_package_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "find_spec", lambda package: None)
    with pytest.raises(ValueError, match=r"install kpm_ros\[simulate\], or choose the plain body"):
        bodies.make_pianist(SCORE)


def test_what_is_kept_comes_back_to_the_same_pianist_only(tmp_path: Path) -> None:
    LearntCache(tmp_path / "deep", SCORE, 1, Person()).save(**LEARNT._asdict())
    found = LearntCache(tmp_path / "deep", SCORE, 1, Person()).load(*NAMES)
    assert found is not None
    assert np.array_equal(found[0], LEARNT.knots)
    assert np.array_equal(found[1], LEARNT.activation)
    shorter = Score(SCORE.notes[:-1], SCORE.pedals, SCORE.duration_s, SCORE.name)
    for other in ((SCORE, 2, Person()), (SCORE, 1, Person(lift_m=0.01)), (shorter, 1, Person())):
        assert LearntCache(tmp_path / "deep", *other).load(*NAMES) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 but no archive", b"nonsense"])
def test_a_broken_file_counts_as_not_there_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    cache = LearntCache(tmp_path, SCORE)
    cache.save(**LEARNT._asdict())
    [path] = tmp_path.iterdir()
    path.write_bytes(content)
    assert cache.load(*NAMES) is None
    cache.save(**LEARNT._asdict())
    assert cache.load(*NAMES) is not None
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_cut_short_or_changed_counts_as_not_there(tmp_path: Path) -> None:
    cache = LearntCache(tmp_path, SCORE)
    cache.save(**LEARNT._asdict())
    [path] = tmp_path.iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert cache.load(*NAMES) is None
    with path.open("wb") as file:
        np.savez(file, knots=LEARNT.knots, activation=LEARNT.activation[:2])
    assert cache.load(*NAMES) is None
    with path.open("wb") as file:
        np.savez(file, knots=np.array([object()], dtype=object), activation=LEARNT.activation)
    assert cache.load(*NAMES) is None


def test_only_the_newest_are_kept_and_a_folder_that_cannot_be_is_left_alone(
    tmp_path: Path,
) -> None:
    for seed in range(20):
        LearntCache(tmp_path, SCORE, seed).save(**LEARNT._asdict())
    assert len(list(tmp_path.iterdir())) == 12
    assert LearntCache(tmp_path, SCORE, 19).load(*NAMES) is not None
    (tmp_path / "file").write_text("")
    LearntCache(tmp_path / "file" / "folder", SCORE).save(**LEARNT._asdict())
    LearntCache(None, SCORE).save(**LEARNT._asdict())
    assert LearntCache(None, SCORE).load(*NAMES) is None


def test_memories_lie_in_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "kpm_ros" / "pianists"
