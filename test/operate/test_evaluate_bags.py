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

"""`kpm evaluate` on bags: recorded effort against the EMG beside it, and what cannot be used."""

from __future__ import annotations

import re

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.chunks import EffortChunk, Trace
from kpm_ros.core.flags import Flag
from kpm_ros.core.session_file import Session, SignalCheck, Step, Take
from kpm_ros.learn.scores.score_table import read_score_table
from kpm_ros.models.pianokpm.published import MUSCLES, published_card
from kpm_ros.sense.emg.personal_envelope import MVC_UNIT
from support import bags
from support.bags import MS, T0, S

SECONDS = 8
LATE = 40
"""Samples at 2 kHz by which the effort of these bags comes late."""


def muscles_work(seconds=SECONDS):
    """An envelope of each muscle at 2 kHz: bursts, each muscle's at times of its own."""
    at = np.arange(seconds * 2000) / 2000
    phase = np.arange(len(MUSCLES)) / len(MUSCLES)
    return 0.5 * np.clip(np.sin(2 * np.pi * (0.7 * at[:, None] + phase)), 0, None)


def late(envelope):
    return np.concatenate([np.repeat(envelope[:1], LATE, axis=0), envelope[:-LATE]])


def recorded(
    folder,
    envelope=None,
    effort=None,
    *,
    topic="/kpm/emg/envelope",
    channels=MUSCLES,
    unit=MVC_UNIT,
    flags=None,
    shift_s=lambda part: 0.0,
):
    """Write a bag of effort that is late and too small, and of the EMG beside it."""
    envelope = muscles_work() if envelope is None else envelope
    effort = 0.8 * late(envelope) if effort is None else effort
    messages = [bags.info(published_card(), "f" * 64)]
    for part in range(len(envelope) // 20):
        rows, at_ns = slice(part * 20, part * 20 + 20), T0 + part * 10 * MS
        stamp_ns = at_ns + round(shift_s(part) * S)
        emg = bags.make(
            "kpm_ros/msg/ChannelSamples",
            header=bags.header(stamp_ns),
            stream="emg",
            first_index=part * 20,
            rate_hz=2000.0,
            channels=list(channels),
            unit=unit,
            samples=envelope[rows].astype(np.float32).reshape(-1),
        )
        messages.append((topic, at_ns, emg, "kpm_ros/msg/ChannelSamples"))
        if effort is not False:
            trace = Trace(
                at_ns - 30 * MS, at_ns - 9 * MS, at_ns - 8 * MS, at_ns - 7 * MS, at_ns - MS, at_ns
            )
            chunk = EffortChunk(
                at_ns,
                part * 20,
                effort[rows].astype(np.float32),
                np.full(20, 0 if flags is None else flags(part), np.uint16),
                trace,
            )
            messages.append(bags.entry(chunk, at_ns))
    return bags.write(folder, messages)


def evaluated(tmp_path, *words):
    """Evaluate; gives the exit status and what the table's file holds."""
    file = tmp_path / "table.json"
    status = main(["evaluate", *map(str, words), "--otd-points", "50", "--json", str(file)])
    return status, read_score_table(file) if file.exists() else None


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_recorded_effort_is_measured_in_time_and_size(tmp_path, capsys):
    bag = recorded(tmp_path / "take_1")
    page = tmp_path / "report.html"
    status, table = evaluated(tmp_path, bag, "--html", page)
    assert status == 0
    (model,) = table.models
    (take,) = model.takes
    for one in take.figures.muscles.values():
        assert one.lag_s == pytest.approx(LATE / 2000, abs=0.001)
        assert one.slope == pytest.approx(0.8, abs=0.02)
        assert one.late_s == pytest.approx(LATE / 2000, abs=0.003)
        assert (one.missed, one.false) == (0, 0)
    assert model.lookahead_ms == pytest.approx(30, abs=1)
    text = page.read_text()
    assert "Delay by stage" in text
    assert re.search(r"<td>tracking</td>\s*<td[^>]*>21.0</td>", text)


def test_effort_that_is_not_valid_is_left_out_and_shown(tmp_path):
    """Two seconds of nonsense that says so does not count."""
    wrong = 0.8 * late(muscles_work())
    wrong[8000:12000] = 9
    invalid = recorded(
        tmp_path / "take",
        effort=wrong,
        flags=lambda part: int(Flag.INVALID) if 400 <= part < 600 else 0,
    )
    _, table = evaluated(tmp_path, invalid)
    (take,) = table.takes
    assert take.figures.rmse < 0.1
    assert take.figures.seconds == pytest.approx(SECONDS - 2, abs=0.01)
    assert take.valid[3:7] == (1.0, 0.0, 0.0, 1.0)


def test_what_cannot_be_used_is_said_and_the_rest_is_used(tmp_path, capsys):
    good = recorded(tmp_path / "good")
    mute = recorded(tmp_path / "mute", effort=False)
    other = recorded(tmp_path / "other", channels=[f"ch{k}" for k in range(6)])
    dead = muscles_work()
    dead[:, 2] = 0.01
    dead = recorded(tmp_path / "dead", dead)
    cut = recorded(tmp_path / "cut")
    (file,) = cut.glob("*.mcap")
    file.write_bytes(file.read_bytes()[:64])
    status, table = evaluated(tmp_path, good, mute, other, dead, cut, "--workers", "1")
    said = capsys.readouterr().err
    assert status == 0
    assert {take.recording for take in table.takes} == {"good", "dead"}
    assert "mute: it holds no effort: name a model" in said
    assert "other: its effort is of ADM" in said
    assert f"dead: /kpm/emg/envelope: {MUSCLES[2]} never changed" in said
    assert "cut" in said
    of_dead = next(take for take in table.takes if take.recording == "dead")
    assert set(of_dead.figures.muscles) == set(MUSCLES) - {MUSCLES[2]}


def test_without_any_bag_that_can_be_used_there_is_no_table(tmp_path, capsys):
    status, _ = evaluated(tmp_path, recorded(tmp_path / "mute", effort=False))
    assert status == 2
    assert "it holds no effort" in capsys.readouterr().err


def test_a_clock_that_jumps_is_said_and_what_is_between_is_not_bridged(tmp_path, capsys):
    half = SECONDS * 50
    bag = recorded(tmp_path / "jump", shift_s=lambda part: 20.0 if part >= half else 0.0)
    _, table = evaluated(tmp_path, bag)
    assert (
        "the clock of the EMG jumped by 20.0 s after 4.0 s: 400 of 800" in capsys.readouterr().err
    )
    assert table.takes[0].figures.seconds == pytest.approx(SECONDS / 2, abs=0.05)
    assert table.takes[0].figures.muscles["ADM"].slope == pytest.approx(0.8, abs=0.03)


def test_emg_that_is_rectified_is_only_smoothed_and_says_that_its_size_is_not_known(
    tmp_path, capsys
):
    noise = np.random.default_rng(0).normal(0, 100, (SECONDS * 2000, len(MUSCLES)))
    work = 0.02 + muscles_work()
    words = {"topic": "/kpm/emg/samples", "unit": "uV", "effort": late(work)}
    raw, ready = (
        recorded(tmp_path / name, signal, **words)
        for name, signal in (("raw", noise * work), ("ready", np.abs(noise) * work))
    )
    _, table = evaluated(tmp_path, raw, ready, "--workers", "1")
    said = capsys.readouterr().err
    assert "ready: /kpm/emg/samples: the EMG was rectified already" in said
    assert "raw: /kpm/emg/samples: the EMG was rectified already" not in said
    assert said.count("no maximum contraction is known") == 2
    for take in table.takes:
        assert take.figures.correlation > 0.85, take.recording


def test_a_maximum_below_the_playing_is_said(tmp_path, capsys):
    evaluated(tmp_path, recorded(tmp_path / "small", 4 * muscles_work()))
    assert "ADM reaches 2.00 of its maximum contraction" in capsys.readouterr().err


def test_bags_that_were_measured_are_not_read_again(tmp_path, monkeypatch):
    bag = recorded(tmp_path / "take")
    first = evaluated(tmp_path, bag)
    from kpm_ros.operate import measured_bag

    monkeypatch.setattr(measured_bag, "measure", lambda *given: pytest.fail("measured again"))
    assert evaluated(tmp_path, bag)[1].takes == first[1].takes


def test_two_workers_of_a_cluster_measure_the_same(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    bags_ = [recorded(tmp_path / name) for name in ("one", "two")]
    from kpm_ros.operate import measured_bag

    with monkeypatch.context() as here:
        here.setattr(measured_bag, "measure", lambda *given: pytest.fail("measured here"))
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster:
            _, there = evaluated(tmp_path, *bags_, "--on", cluster.scheduler_address)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another cache"))
    assert there.takes == evaluated(tmp_path, *bags_, "--workers", "1")[1].takes


def test_bags_of_one_name_are_told_apart(tmp_path):
    both = [recorded(tmp_path / name / "bag") for name in ("monday", "tuesday")]
    _, table = evaluated(tmp_path, *both, "--workers", "1")
    assert {take.recording for take in table.takes} == {"monday/bag", "tuesday/bag"}


def test_a_session_is_told_and_its_takes_are_measured_by_its_own_maxima(tmp_path, capsys):
    raw = np.random.default_rng(0).normal(0, 100, (SECONDS * 2000, len(MUSCLES)))
    maxima = dict.fromkeys(MUSCLES[:5], 80.0)
    contractions = [Step("mvc", "mvc", 3, "as hard as you can", name) for name in maxima]
    done = [Take(k, 1, "done", f"takes/0{k}_mvc_1", strongest=maxima) for k in range(2, 6)]
    dead = SignalCheck("emg", "dead", "PB", "PB does not change")
    session = Session(
        person="P07",
        protocol="short",
        steps=(*contractions, Step("task", "scale", 8, "play <b>slowly</b>")),
        takes=(
            Take(1, 1, "repeated", "takes/01_mvc_1", why="ADM was weak"),
            Take(1, 2, "done", "takes/01_mvc_2", strongest=maxima),
            *done,
            Take(6, 1, "done", "takes/06_scale_1", checks=(dead,)),
        ),
        simulated=True,
    )
    folder = tmp_path / "monday"
    session.write(folder)
    recorded(
        folder / "takes" / "06_scale_1",
        raw * (0.02 + muscles_work()),
        topic="/kpm/emg/samples",
        unit="uV",
        effort=muscles_work(),
    )
    page = tmp_path / "session.html"
    status, table = evaluated(tmp_path, folder, "--html", page)
    assert status == 0
    (take,) = table.takes
    assert (take.person, take.task, take.recording) == ("P07", "scale", "monday/06_scale_1")
    assert set(take.figures.muscles) == set(MUSCLES) - {"PB", MUSCLES[5]}
    said = capsys.readouterr().err
    assert "PB is not used: PB does not change" in said
    assert f"{MUSCLES[5]}: no maximum contraction of P07 is known" in said
    assert "no maximum contraction is known" not in said
    text = page.read_text()
    assert "6 of 6 steps of the protocol short were done, in 7 takes (1 repeated)" in text
    assert "ADM was weak" in text
    assert "play &lt;b&gt;slowly" in text
    assert table.simulated


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--figure", "x.png"], "--figure is of data sets, and these are bags"),
        (["--split", "test"], "--split is of data sets"),
        (["--workers", "0"], "--workers must be at least 1, not 0"),
    ],
)
def test_what_bags_do_not_have_is_refused(tmp_path, words, says, capsys):
    assert main(["evaluate", str(recorded(tmp_path / "take")), *words]) == 2
    assert says in capsys.readouterr().err
