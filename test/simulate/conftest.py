"""What several tests of the simulator use."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpm_ros.sense.score import Score, read_midi


@pytest.fixture(scope="session")
def real_scores(shared: Path) -> list[Score]:
    """The twelve recorded performances, read once."""
    scores = [read_midi(path) for path in sorted((shared / "data" / "midi").glob("*.mid"))]
    assert len(scores) == 12
    return scores
