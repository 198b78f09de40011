"""A model small enough for quick tests, and recordings of the simulated devices."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("rosbags")

from support import bags


@pytest.fixture(scope="session")
def light(tmp_path_factory) -> Path:
    """A light model's weights file."""
    return bags.small_model(tmp_path_factory.mktemp("model"))[0]


@pytest.fixture(scope="session")
def deliveries() -> list[bags.Delivery]:
    """Two seconds of the simulated devices."""
    return bags.played(2.0)


@pytest.fixture(scope="session")
def recording(deliveries, light, tmp_path_factory) -> Path:
    """Those two seconds, and what a live run made of them, in a bag."""
    messages = bags.entries(deliveries) + bags.live(deliveries, light)
    return bags.write(tmp_path_factory.mktemp("bag") / "bag", messages)
