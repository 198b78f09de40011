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

"""What set-up installs is pinned, and nothing but it decides where packages come from."""

from __future__ import annotations

import csv
import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lock
from support.sources import ROOT, imported_names, python_files

LOCKS = ["base", "ros"]
ALL_LOCKS = [*LOCKS, "build", "cuda", "torch-cpu"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]


def text_of(name: str) -> str:
    """Read one file of requirements/."""
    return (ROOT / "requirements" / name).read_text()


def pins(name: str) -> list[Requirement]:
    """Read the pins of one lock file."""
    return [Requirement(pin) for pin in lock.pins_in(text_of(f"{name}.txt"))]


def wishes(name: str) -> list[Requirement]:
    """Read what a lock file is made from."""
    lines = text_of(f"{name}.in").splitlines()
    bare = [line.partition("#")[0].strip() for line in lines]
    return [Requirement(line) for line in bare if line]


def applies(requirement: Requirement, python: str) -> bool:
    """Tell whether a requirement is for this Python."""
    machine = {"python_version": python, "python_full_version": f"{python}.9"}
    machine |= {"sys_platform": "linux", "platform_machine": "x86_64"}
    return requirement.marker is None or requirement.marker.evaluate(machine)


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_every_line_is_pinned_exactly(name: str) -> None:
    assert pins(name)
    for pin in pins(name):
        assert re.fullmatch(r"==[\w.+]+", str(pin.specifier)), f"{pin} is not pinned"
        assert pin.url is None


@pytest.mark.parametrize("name", ALL_LOCKS)
def test_every_pin_carries_the_hashes_of_its_files(name: str) -> None:
    lines = re.sub(r"^#.*\n", "", text_of(f"{name}.txt"), flags=re.M)
    entries = re.split(r"(?<!\\)\n", lines.strip())
    assert len(entries) == len(pins(name))
    for entry in entries:
        first, *more = entry.split(" \\\n")
        assert more, f"{first} has no hash"
        assert all(re.fullmatch(r" {4}--hash=sha256:[0-9a-f]{64}", line) for line in more), entry


def test_no_lock_names_where_packages_come_from() -> None:
    for file in (ROOT / "requirements").iterdir():
        text = file.read_text()
        assert "://" not in text
        options = set(re.findall(r"^\s*(-[\w-]+)", text, re.M))
        assert options <= {"--hash"}, "options belong to the user's own pip settings"


def test_packages_without_a_wheel_are_built_with_what_is_pinned() -> None:
    (builder,) = pins("build")
    assert str(builder) in map(str, pins("base"))


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
    assert all(lock.FROM_TORCH.match(str(pin)) for pin in pins("cuda"))


def test_torch_for_processors_only_is_the_same_release() -> None:
    (torch,) = [pin for pin in pins("base") if pin.name == "torch"]
    assert [str(pin) for pin in pins("torch-cpu")] == [f"{torch}+cpu"]


def test_the_locks_leave_nothing_out_that_a_pinned_package_asks_for() -> None:
    """Set-up has pip add nothing, so what is installed must ask for nothing more."""
    installed = {canonicalize_name(dist.name): dist for dist in metadata.distributions()}
    pinned = {canonicalize_name(pin.name) for name in LOCKS for pin in pins(name)}
    for name in pinned & installed.keys():
        for wish in map(Requirement, installed[name].requires or ()):
            if wish.marker is None or wish.marker.evaluate({"extra": ""}):
                found = installed.get(canonicalize_name(wish.name))
                assert found, f"{name} asks for {wish}, which is not locked"
                fits = wish.specifier.contains(found.version, prereleases=True)
                assert fits, f"{name} asks for {wish}, and {found.version} is locked"


@pytest.mark.parametrize(
    ("wheel", "fits"),
    [
        ("a-1-py3-none-any.whl", True),
        ("a-1-cp313-cp313-manylinux_2_28_x86_64.whl", True),
        ("a-1-cp37-abi3-manylinux2014_x86_64.whl", True),
        ("a-1-py2-none-any.whl", False),
        ("a-1-cp314-cp314-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp313-cp313t-manylinux_2_28_x86_64.whl", False),
        ("a-1-cp312-cp312-musllinux_1_2_x86_64.whl", False),
        ("a-1-cp312-cp312-manylinux_2_28_aarch64.whl", False),
        ("a-1-cp312-cp312-win_amd64.whl", False),
    ],
)
def test_wheels_for_other_machines_stay_out_of_the_lock(wheel: str, fits: bool) -> None:
    assert lock.fits(wheel) == fits


def test_a_source_is_locked_only_where_there_is_no_wheel_for_us() -> None:
    files = {"a-1.tar.gz": "a" * 64, "a-1-py3-none-any.whl": "b" * 64}
    lists = [
        f'{{ url = "somewhere/{name}", hashes = {{ sha256 = "{digest}" }} }}'
        for name, digest in files.items()
    ]
    head = '[[packages]]\nname = "a"\nversion = "1"\n'
    both = f"{head}sdist = {lists[0]}\nwheels = [{lists[1]}]\n"
    assert lock.hashes_in(both) == {"a==1": ["sha256:" + "b" * 64]}
    assert lock.hashes_in(f"{head}sdist = {lists[0]}\n") == {"a==1": ["sha256:" + "a" * 64]}


def test_a_pin_keeps_only_the_part_of_its_marker_that_differs_between_machines() -> None:
    everywhere = "python_full_version < '3.14' and platform_machine == 'x86_64'"
    assert lock.plain(f"torch==2.13.0+cpu ; {everywhere}") == "torch==2.13.0"
    assert (
        lock.plain(f"numpy==1.26.4 ; python_full_version < '3.13' and {everywhere}")
        == "numpy==1.26.4 ; python_full_version < '3.13'"
    )


def licences() -> dict[str, str]:
    with (ROOT / "docs" / "licences.csv").open(encoding="utf-8", newline="") as file:
        return {row["package"]: row["licence"] for row in csv.DictReader(file)}


def test_the_list_of_licences_names_every_package() -> None:
    for name in LOCKS:
        missing = {pin.name for pin in pins(name)} - licences().keys()
        assert not missing, "run tools/licences.py"


def test_only_tests_use_what_is_under_the_gpl() -> None:
    bound = ("GPL", "General Public")
    names = {name for name, text in licences().items() if any(word in text for word in bound)}
    assert names == {"docutils", "quadprog"}
    for file in python_files("kpm_ros"):
        assert not names & imported_names(file), file
