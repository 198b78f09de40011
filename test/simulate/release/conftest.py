"""A tiny data set, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpm_ros.simulate.release.request import Request
from kpm_ros.simulate.release.work import make_release

REQUEST = Request(
    pianists=3,
    tasks=2,
    takes=2,
    seconds=2,
    seed=7,
    body="plain",
    held_out_pianists=(3,),
    held_out_tasks=(2,),
)


@pytest.fixture(scope="session")
def request_made() -> Request:
    return REQUEST


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made in one go by one process."""
    root = tmp_path_factory.mktemp("set")
    make_release(root, REQUEST, workers=1)
    return root
