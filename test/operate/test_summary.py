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

"""A run's figures, and when it counts as healthy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.chunks import Trace
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.learn.scores.metrics import score
from kpm_ros.operate.measurement import STAGES, Made, Measurement
from kpm_ros.operate.summary import Result, summarise
from kpm_ros.operate.summary_text import as_text

MS = 1_000_000
BEGIN = 1_700_000_000 * 1_000_000_000


def measured(
    rate_hz: float = 2000.0,
    seconds: float = 10.0,
    delay_ms: float = 70.0,
    shares: dict[Flag, float] | None = None,
) -> Result:
    measurement = Measurement(BEGIN, BEGIN + round(seconds * 1e9))
    received = BEGIN + (np.arange(round(rate_hz * seconds)) * (1e9 / rate_hz)).astype(np.int64)
    flags = np.zeros(len(received), FlagBits)
    for flag, share in (shares or {}).items():
        flags[: round(share * len(flags))] |= flag
    valid = (flags & Flag.INVALID) == 0
    measurement.add(received - round(delay_ms * MS), received, valid, flags)
    return Result(measurement, seconds)


def test_a_good_run_is_healthy():
    result = measured()
    assert result.faults == []
    assert result.rate_hz == pytest.approx(2000)


@pytest.mark.parametrize(
    ("rate_hz", "healthy"), [(1989, False), (1991, True), (2009, True), (2011, False)]
)
def test_the_rate_may_be_off_by_half_a_percent(rate_hz, healthy):
    faults = measured(rate_hz).faults
    assert (faults == []) is healthy
    assert healthy or f"{rate_hz}.0 messages a second" in faults[0]


def test_loss_disorder_and_errors_are_faults_in_words():
    result = measured()
    result.lost, result.out_of_order, result.errors = 3, 1, ["exo: the cable is out"]
    assert result.faults == [
        "exo: the cable is out",
        "3 effort messages were lost on the way",
        "1 effort messages were out of order",
    ]


def test_limbs_that_hide_are_no_fault_of_the_run_but_told():
    hidden = measured(shares={Flag.INVALID: 0.4, Flag.HIDDEN: 0.4})
    assert hidden.faults == []
    assert summarise(hidden)["effort"]["invalid_fraction"] == pytest.approx(0.4)
    assert "40.0% of the effort was not valid because limbs were hidden" in as_text(
        summarise(hidden)
    )
    worse = measured(shares={Flag.INVALID: 0.4, Flag.HIDDEN: 0.4, Flag.POSE_LOST: 0.1})
    assert "10.0% of the effort was not valid" in worse.faults[0]
    assert summarise(measured())["remarks"] == []


def test_effort_that_is_often_not_valid_or_stale_is_a_fault_that_names_its_cause():
    few = {Flag.INVALID: 0.009, Flag.POSE_LOST: 0.009, Flag.POSE_STALE: 0.09, Flag.HELD: 0.9}
    assert measured(shares=few).faults == []
    many = {Flag.INVALID: 0.12, Flag.POSE_LOST: 0.12, Flag.POSE_STALE: 0.97}
    invalid, stale = measured(shares=many).faults
    assert invalid == (
        "12.0% of the effort was not valid (pose lost 12.0%), but no more than 1% may be"
    )
    assert stale.startswith("97.0% of the effort rests on a stale pose, but no more than 10% may")
    summary = json.loads(json.dumps(summarise(measured(shares=many))))
    assert summary["effort"]["flagged_fraction"]["pose stale"] == 0.97
    assert "pose stale 97.00%" in as_text(summary)


def test_what_nodes_say_of_it_stands_before_the_verdict():
    result = measured(shares={Flag.INVALID: 0.12})
    result.remarks = ["camera_top: what helps: the lite model (model: lite)"]
    lines = as_text(summarise(result)).rstrip().splitlines()
    place = lines.index("  what the nodes say:")
    assert lines[place + 1] == "  camera_top: what helps: the lite model (model: lite)"
    assert lines[-1].startswith("not healthy: 12.0%")


def test_only_what_was_received_within_the_measured_part_counts():
    measurement = Measurement(BEGIN, BEGIN + 10)
    received = BEGIN + np.array([-1, 0, 9, 10], np.int64)
    valid = np.array([False, False, True, False])
    flags = np.array([4, 0, 4, 4], FlagBits)
    measurement.add(received - 5 * MS, received, valid, flags)
    assert (measurement.messages, measurement.invalid) == (2, 1)
    assert measurement.flagged[Flag.POSE_LOST] == 1
    for published_ns in (BEGIN - 1, BEGIN + 10):
        measurement.add_made(Made(Trace(published_ns=published_ns), BEGIN, 1, 0.0))
    assert measurement.made == []


def test_delays_come_from_stamps_and_stages_from_traces():
    result = measured(delay_ms=70)
    steps = (0, 9, 10, 12, 17, 18)
    times = [BEGIN + step * MS for step in steps]
    result.measurement.add_made(Made(Trace(*times), BEGIN, 1, 0.0))
    latency = summarise(result)["latency_ms"]
    assert latency["exposure_to_effort"] == {"p50": 70.0, "p99": 70.0}
    medians = [latency[stage]["p50"] for stage in STAGES]
    assert medians == [9.0, 1.0, 2.0, 5.0, 1.0, 9.0]


def test_the_usual_delay_is_divided_into_what_it_is_for():
    result = measured(delay_ms=52)
    stamp_ns = BEGIN - 30 * MS
    trace = Trace(0, 0, 0, stamp_ns + 45 * MS, stamp_ns + 48 * MS, stamp_ns + 49 * MS)
    trace = replace(trace, published_ns=BEGIN + 1)
    # 16 samples at 2 kHz last 7.5 ms from the first to the last.
    for lookahead_s, parts in (
        (0.02, [20.0, 0.0, 25.0, 3.0, 4.0]),
        (0.005, [5.0, 2.5, 37.5, 3.0, 4.0]),
    ):
        result.measurement.made = [Made(trace, stamp_ns, 16, lookahead_s)]
        summary = summarise(result)
        assert [*summary["parts_ms"].values()] == parts
    assert sum(summary["parts_ms"].values()) == summary["latency_ms"]["exposure_to_effort"]["p50"]
    assert "through it" in as_text(summary)


def test_the_first_seconds_are_told_beside_those_that_count():
    result = measured(delay_ms=70)
    result.start = measured(delay_ms=95).measurement
    summary = summarise(result)
    assert summary["latency_ms"]["first_seconds"] == {"p50": 95.0, "p99": 95.0}
    assert summary["latency_ms"]["exposure_to_effort"] == {"p50": 70.0, "p99": 70.0}
    assert "in the seconds before" in as_text(summary)


def test_a_stage_that_does_not_apply_has_no_figure():
    result = measured()
    trace = Trace(aligned_ns=BEGIN, estimated_ns=BEGIN + MS, published_ns=BEGIN)
    result.measurement.add_made(Made(trace, BEGIN, 1, 0.0))
    latency = summarise(result)["latency_ms"]
    assert latency["tracking"] == {"p50": None, "p99": None}
    assert latency["estimation"]["p50"] == 1.0


def test_the_summary_has_what_is_promised():
    result = measured()
    result.bag = {"path": "out/demo/bag", "messages": 5, "bytes": 7}
    summary = json.loads(json.dumps(summarise(result)))
    assert set(summary) == {
        "duration_s",
        "effort",
        "latency_ms",
        "parts_ms",
        "estimator",
        "cpu_cores",
        "bag",
        "errors",
        "remarks",
        "machine",
        "simulated",
        "rmse_simulated",
        "correlation_simulated",
        "muscles_simulated",
        "not_scored",
    }
    assert set(summary["effort"]) == {
        "messages",
        "rate_hz",
        "lost",
        "out_of_order",
        "invalid_fraction",
        "flagged_fraction",
    }
    assert summary["errors"] == []
    assert summary["simulated"] is True


def test_a_score_says_everywhere_that_its_truth_is_simulated():
    result = measured()
    truth = np.linspace(0, 1, 20).reshape(10, 2)
    still = np.stack([truth[:, 0] + 0.5, np.full(10, 0.3)], axis=1)
    result.truth = score([(truth, still)], ("ADM", "PB"))
    summary = json.loads(json.dumps(summarise(result)))
    expected = np.sqrt(((truth - still) ** 2).mean())
    assert summary["rmse_simulated"] == pytest.approx(expected, abs=1e-4)
    assert summary["correlation_simulated"] == 1.0
    assert summary["muscles_simulated"]["PB"]["correlation"] is None
    assert summary["muscles_simulated"]["ADM"] == {"rmse": 0.5, "correlation": 1.0}
    text = as_text(summary)
    assert "SIMULATED truth" in text
    assert "0.500" in text


def test_a_run_that_could_not_be_scored_says_why():
    result = measured()
    result.why_no_truth = "the bag is gone"
    summary = summarise(result)
    assert summary["rmse_simulated"] is None
    assert "not scored against the SIMULATED truth: the bag is gone" in as_text(summary)
    result.simulated = False
    assert "SIMULATED" not in as_text(summarise(result))


def test_a_run_that_never_measured_anything_can_be_told_all_the_same():
    result = Result(Measurement(0, 0), 0.0, errors=["no valid effort came within 60 s"])
    summary = summarise(result)
    assert summary["effort"]["rate_hz"] == 0.0
    assert summary["errors"] == ["no valid effort came within 60 s"]
    assert "not healthy: no valid effort" in as_text(summary)


def test_the_text_ends_in_the_verdict():
    assert as_text(summarise(measured())).rstrip().endswith("\nhealthy")
    bad = measured(1000)
    assert as_text(summarise(bad)).rstrip().splitlines()[-1].startswith("not healthy: effort came")
