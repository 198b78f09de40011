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

"""A simulated data set on disk: the published layout, the same files however it was made."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.worker_pool import FinishedPart
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.release.performance import cameras_of, score_of, simulate
from kpm_ros.simulate.release.pianists import make_release
from kpm_ros.simulate.release.request import Request, plan_request

SCRIPT = """
import sys
from pathlib import Path
from kpm_ros.simulate.release.pianists import make_release
from release_request import REQUEST

if __name__ == "__main__":
    make_release(Path(sys.argv[1]), REQUEST, 2, lambda step: print(step, flush=True))
"""


def contents(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def steps(root: Path, request: Request) -> list[FinishedPart]:
    seen: list[FinishedPart] = []
    make_release(root, request, 1, seen.append)
    return seen


def test_files_are_laid_out_as_published(made: Path, request_made: Request) -> None:
    for performance in request_made.performances():
        shapes = {
            "hand_data/keyp_top": (120, 21, 2),
            "hand_data/keyp_right": (120, 21, 2),
            "keystroke_data": (2048, 88),
            "emg_data": (2048, 6),
        }
        for folder, shape in shapes.items():
            content = (made / folder / f"{performance.stem}.pkl").read_bytes()
            array = pickle.loads(content)  # written by ourselves a moment ago
            assert type(array) is np.ndarray
            assert array.dtype == np.float32
            assert array.shape == shape


def test_every_performance_has_its_place_in_both_split_files(
    made: Path, request_made: Request
) -> None:
    names = {f"{performance.stem}.pkl" for performance in request_made.performances()}
    manifest = json.loads((made / "simulated/dataset.json").read_text())
    for file, unseen in (("dataset_architectural.json", 0), ("dataset_held_out.json", 2)):
        splits = json.loads((made / file).read_text())
        assert list(splits) == ["train", "val", "test", "test_cross_user", "test_cross_task"]
        listed = [name for names_of in splits.values() for name in names_of]
        assert len(listed) == len(set(listed))
        left_out = {
            f"{name}.pkl"
            for name, places in manifest["performances"].items()
            if places[file] == "left_out"
        }
        assert set(listed) | left_out == names
        assert len(left_out) == unseen
        assert all(splits[split] for split in ("train", "test"))


def test_held_out_pianists_and_tasks_are_met_in_their_tests_only(made: Path) -> None:
    splits = json.loads((made / "dataset_held_out.json").read_text())
    known = splits["train"] + splits["val"] + splits["test"]
    assert all(name.startswith("t1_p") and "_p3_" not in name for name in known)
    assert {name[:5] for name in splits["test_cross_user"]} == {"t1_p3"}
    assert {name[:5] for name in splits["test_cross_task"]} == {"t2_p1", "t2_p2"}


def test_large_sets_share_a_tenth_each_for_choosing_and_scoring() -> None:
    from kpm_ros.simulate.release.splits import architectural_splits

    places = architectural_splits(plan_request(pianists=10, tasks=5, hours=2.0, takes=2))
    assert [len(places[split]) for split in ("train", "val", "test")] == [80, 10, 10]
    for split in ("val", "test"):
        assert {name.task for name in places[split]} == {1, 2, 3, 4, 5}


def test_cameras_are_calibrated(made: Path, request_made: Request) -> None:
    file = json.loads((made / "simulated/cameras.json").read_text())
    point = np.array([0.9, 0.05, 0.03])
    for pianist in (1, 2, 3):
        for camera in cameras_of(request_made, pianist):
            about = file["pianists"][f"p{pianist}"][camera.name]
            seen = np.array(about["rotation"]) @ (point - about["position"])
            pixel = (np.array(about["matrix"]) @ seen / seen[2])[:2]
            expected = camera.project(np.tile(point, (1, 21, 1)))[0, 0, :2]
            assert pixel / about["image_size"] == pytest.approx(expected, abs=1e-9)
            assert camera.position not in [usual.position for usual in default_cameras()]
    assert file["pianists"]["p1"] != file["pianists"]["p2"]


def test_truth_is_told_without_pickles(made: Path) -> None:
    with np.load(made / "simulated/truth/t1_p1_1.npz", allow_pickle=False) as truth:
        assert truth["activation"].shape == (2 * 250, len(truth["muscles"]))
        assert truth["force_n"].shape == (2 * 250, 5)
        assert truth["landmarks_m"].shape == (2 * 60, 21, 3)
        assert truth["posture"].shape == (2 * 60, len(truth["posture_names"]))


def test_with_anatomy_the_truth_is_of_all_forty_muscles() -> None:
    request = Request(1, 1, 1, 2, body="anatomical")
    written = simulate(request, next(request.performances()))
    with np.load(BytesIO(written["simulated/truth/t1_p1_1.npz"]), allow_pickle=False) as truth:
        assert truth["activation"].shape == (2 * 250, 40)
        assert list(truth["muscles"][:6]) == ["ADM", "PB", "1DI", "2DI", "3DI", "4DI"]
        assert len(set(truth["muscles"])) == 40
        assert truth["posture"].shape == (2 * 60, 26)
        assert len(set(truth["posture_names"])) == 26
        assert truth["activation"].max() > 0.05


def test_the_data_set_says_that_it_is_simulated(made: Path) -> None:
    manifest = json.loads((made / "simulated/dataset.json").read_text())
    assert manifest["simulated"] is True
    assert "SIMULATED" in manifest["notice"]


def test_killed_and_resumed_by_other_workers_gives_the_same_bytes(
    made: Path, request_made: Request, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    shutil.copy(Path(__file__).with_name("conftest.py"), tmp_path / "release_request.py")
    root = tmp_path / "set"
    started = subprocess.Popen(
        [sys.executable, str(script), str(root)], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert "FinishedPart" in started.stdout.readline()
    started.kill()
    started.wait()
    # The end of its output is the end of all processes that it had started.
    started.stdout.read()
    started.stdout.close()
    assert not (root / "dataset_held_out.json").exists()

    resumed = steps(root, request_made)

    assert not all(step.was_made for step in resumed)
    assert {name: digest for name, digest in contents(root).items() if "/." not in name} == (
        contents(made)
    )


def test_damaged_files_are_made_again(made: Path, request_made: Request, tmp_path: Path) -> None:
    root = tmp_path / "copy"
    shutil.copytree(made, root)
    damaged = root / "keystroke_data/t1_p2_1.pkl"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    (root / "simulated/checks/t2_p1_2.json").write_text("{")

    again = [step.part.stem for step in steps(root, request_made) if step.was_made]

    assert again == ["t1_p2_1", "t2_p1_2"]
    assert contents(root) == contents(made)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"seed": 8}, "seed 7, not 8"), ({"takes": 3}, "takes 2, not 3"), ({"seconds": 3}, "2, not")],
)
def test_a_folder_of_another_request_is_refused(
    made: Path, request_made: Request, change: dict, said: str
) -> None:
    before = contents(made)
    with pytest.raises(ValueError, match=said):
        make_release(made, replace(request_made, **change), 1)
    assert contents(made) == before


def test_a_folder_with_something_else_is_refused(tmp_path: Path, request_made: Request) -> None:
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(ValueError, match="something else"):
        make_release(tmp_path, request_made, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_midi_file_is_a_further_task(shared: Path) -> None:
    midi = shared / "data/midi/Schubert_D783_no15_p01.mid"
    request = plan_request(pianists=1, tasks=1, hours=0.01, takes=3, midi=(midi,), body="plain")
    assert request.task_numbers == (1, 8)
    scores = [score_of(request, one) for one in request.performances() if one.name.task == 8]
    assert len({score.notes for score in scores}) > 1
    for score in scores:
        assert score.notes
        assert score.notes[0].onset_s == pytest.approx(0, abs=0.05)
        assert score.notes[-1].onset_s < request.seconds


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pianists": 0}, "pianists is 0, but must be from 1 to"),
        ({"tasks": 8}, "tasks is 8, but must be from 1 to 7"),
        ({"hours": 0}, "hours is 0, but must be above 0"),
        ({"hours": float("nan")}, "hours is nan, but must be above 0"),
        ({"hours": 0.0001}, "at least 2 s"),
        ({"hours": 900.0, "takes": 1}, "1800 s at most"),
        ({"takes": 0}, "takes is 0, but must be"),
        ({"held_out_pianists": 20}, "held-out pianists is 20, but must be from 0 to 19"),
        ({"held_out_tasks": (9,)}, "task 9 cannot be held out"),
        ({"held_out_tasks": (1, 2, 3, 4, 5, 6, 7)}, "none would be left"),
        ({"body": "wooden"}, "body is 'wooden', but must be one of"),
        ({"seed": -1}, "seed is -1, but must be"),
    ],
)
def test_impossible_requests_are_refused(change: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plan_request(**{"pianists": 20, "tasks": 7, "hours": 1.0, **change})


def test_a_usual_request_holds_out_a_fifth_of_the_pianists_and_two_tasks() -> None:
    request = plan_request(pianists=20, tasks=7, hours=12.6)
    assert request.held_out_pianists == (17, 18, 19, 20)
    assert request.held_out_tasks == (5, 7)
    assert request.hours == pytest.approx(12.6, rel=0.02)
    assert 45 <= request.seconds <= 75
