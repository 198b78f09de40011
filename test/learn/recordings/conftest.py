"""A small data set for the tests of what is read from disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.releases import NAME, fill, write_splits


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data set of one performance, as a lab might have written it."""
    folder = tmp_path / "set"
    fill(folder)
    write_splits(folder, train=[f"{NAME}.pkl"])
    return folder
