"""What set-up installs is pinned, and nothing but it decides where packages come from."""

from __future__ import annotations

import re

import pytest
from packaging.requirements import Requirement

import lock
from support.sources import ROOT

LOCKS = ["base", "ros"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


def pins(name: str) -> list[Requirement]:
    """Read one lock file."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def wishes(name: str) -> list[Requirement]:
    """Read what a lock file is made from."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    bare = [line.partition("#")[0].strip() for line in lines]
    return [Requirement(line) for line in bare if line]


def applies(requirement: Requirement, python: str) -> bool:
    """Tell whether a requirement is for this Python."""
    machine = {"python_version": python, "python_full_version": f"{python}.9"}
    machine |= {"sys_platform": "linux", "platform_machine": "x86_64"}
    return requirement.marker is None or requirement.marker.evaluate(machine)


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_pinned_exactly(name: str) -> None:
    assert pins(name)
    for pin in pins(name):
        assert re.fullmatch(r"==[\w.]+", str(pin.specifier)), f"{pin} is not pinned"
        assert pin.url is None


@pytest.mark.parametrize("name", LOCKS)
def test_no_lock_names_where_packages_come_from(name: str) -> None:
    for suffix in (".in", ".txt"):
        text = (ROOT / "requirements" / f"{name}{suffix}").read_text()
        assert "://" not in text
        assert not re.search(r"^\s*-", text, re.M), "options belong to the user's own pip settings"


@pytest.mark.parametrize("python", PYTHONS)
def test_each_python_gets_one_version_of_a_package(python: str) -> None:
    names = [pin.name for name in LOCKS for pin in pins(name) if applies(pin, python)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("python", PYTHONS)
def test_every_wish_is_locked(name: str, python: str) -> None:
    locked = {pin.name.lower(): pin for lock in LOCKS for pin in pins(lock) if applies(pin, python)}
    for wish in wishes(name):
        if applies(wish, python):
            pin = locked[wish.name.lower()]
            version = str(pin.specifier).removeprefix("==")
            assert wish.specifier.contains(version), f"{pin} is not what {wish} asks for"


def test_torch_is_the_same_build_everywhere_and_brings_its_own_companions() -> None:
    (torch,) = [pin for pin in pins("base") if pin.name == "torch"]
    assert str(torch) == "torch==2.13.0"
    assert not [pin for name in LOCKS for pin in pins(name) if lock.FROM_TORCH.match(str(pin))]


def test_a_pin_keeps_only_the_part_of_its_marker_that_differs_between_machines() -> None:
    everywhere = "python_full_version < '3.14' and platform_machine == 'x86_64'"
    assert lock.plain(f"torch==2.13.0+cpu ; {everywhere}") == "torch==2.13.0"
    assert (
        lock.plain(f"numpy==1.26.4 ; python_full_version < '3.13' and {everywhere}")
        == "numpy==1.26.4 ; python_full_version < '3.13'"
    )
