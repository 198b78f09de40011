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

"""The report: one page that loads nothing, says what is simulated, and shows in a browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from kpm_ros.learn.reports.page import of_table, render
from kpm_ros.learn.reports.shown import Shown, keys_down, trace_of
from kpm_ros.learn.scores.metrics import Interval
from kpm_ros.learn.scores.score_table import ModelRow, ScoreTable
from kpm_ros.learn.scores.scoring import SplitScores
from kpm_ros.learn.scores.take_figures import measure
from kpm_ros.learn.scores.takes import Take
from support.performances import MUSCLES, RATE_HZ, make_performance

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)
NAMES = ("t1_p3_a", "t2_p3_a", "t1_p4_a")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def recordings():
    return {name: make_performance(name, seconds=6) for name in NAMES}


@pytest.fixture(scope="module")
def table(recordings):
    """Two models, one of them with a name that would like to be run."""
    rows = []
    for model, size in (("near", 0.9), (HOSTILE, 0.3)):
        takes = []
        for name, made in recordings.items():
            truth = np.asarray(made.truth.values)
            figures = measure(truth, size * truth + 0.02, MUSCLES, RATE_HZ, otd_points=20)
            valid = (1.0, 0.4, 1.0, 1.0, 0.0, 1.0)
            takes.append(
                Take(model, "test_cross_user", name, made.person, made.task, figures, valid)
            )
        rows.append(
            ModelRow(
                name=model,
                description="made up",
                inputs=("pose",),
                parameters=6,
                lookahead_ms=0,
                trained_on="nothing",
                cost=Interval(0.1, 0.1, 0.1),
                scores={"test_cross_user": tuple(SplitScores(takes).recordings)},
                takes=tuple(takes),
            )
        )
    return ScoreTable(
        simulated=True,
        data="made up",
        fingerprint="f" * 64,
        split_file="",
        protocol="continuous",
        otd_points=20,
        models=tuple(rows),
    )


@pytest.fixture(scope="module")
def page(table, recordings):
    def show(take, start_s, end_s, models):
        made = recordings[take.recording]
        truth = np.asarray(made.truth.values)
        return Shown(
            take.recording,
            start_s,
            end_s,
            MUSCLES,
            made.truth.unit,
            trace_of(truth, RATE_HZ),
            {name: trace_of(0.9 * truth, RATE_HZ) for name in models},
            keys_down(made, start_s, end_s),
        )

    stages = {"tracking": np.full(50, 21.0), "estimation": np.linspace(1, 3, 50)}
    return render(of_table(table, show, lambda *given: "kpm evaluate here", stages))


class Reader(HTMLParser):
    """Notes what a browser would load, and every name in the page."""

    def __init__(self):
        super().__init__()
        self.loads, self.ids, self.tags = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name in ("src", "href", "xlink:href", "action", "data"):
                self.loads.append(value)


def test_the_page_loads_nothing_and_runs_nothing(page):
    reader = Reader()
    reader.feed(page)
    assert all(one.startswith("#") for one in reader.loads)
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert not re.search(r"@import|url\((?!#)", page)
    assert "&lt;script&gt;" in page


def test_names_within_the_pictures_are_those_of_one_picture(page):
    reader = Reader()
    reader.feed(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert {one.removeprefix("#") for one in reader.loads} <= set(reader.ids)


def test_the_page_says_first_that_it_is_simulated(page, table):
    words = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert words.index("SIMULATED") < words.index("<table")
    assert 'class="simulated"' in page
    recorded = render(of_table(replace(table, simulated=False, models=()), None, None, {}))
    assert "SIMULATED" not in recorded


def test_the_summary_says_in_words_what_the_tables_hold(page, table):
    text = re.sub(r"\s+", " ", page)
    takes = table.models[0].takes
    rmse = np.mean([take.figures.rmse for take in takes])
    assert f"near was off by {rmse:.3f}" in text
    assert "of 2 people" in text
    assert "rose by 0.90, from 0.020 at rest" in text
    assert "It was most like what was measured at the same time" in text
    assert "Look: kpm evaluate here" in text


def test_every_picture_stands_in_the_page_with_words_for_those_who_cannot_see_it(page):
    figures = re.findall(r'<figure role="img" aria-label="([^"]+)">\s*<svg', page)
    assert [words.split()[0] for words in figures] == [
        "Effort",
        "RMSE",
        "How",
        "Validity",
        "The",
        "Median,",
    ]
    assert "with the keys below" in figures[0]
    assert "#010101" not in page, "every stand-in colour has become one of the page's"


def test_the_page_shows_in_a_browser(page, tmp_path):
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine, so the page is not shown")
    file = tmp_path / "report.html"
    file.write_text(page)
    words = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    words += [f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", file.as_uri()]
    done = subprocess.run(
        [CHROMIUM, *words], capture_output=True, text=True, check=True, timeout=100
    )
    assert "CONSOLE" not in done.stderr
    assert done.stdout.count("<svg") == page.count("<svg") == 6
    assert "<script" not in done.stdout
