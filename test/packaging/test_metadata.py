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

"""What package.xml, setup.py, CMakeLists.txt and the code say about the package must agree."""

from __future__ import annotations

import ast
import re
import sys

import pytest
from catkin_pkg.changelog import get_changelog_from_path
from catkin_pkg.package import Package, parse_package
from packaging.requirements import Requirement

import imports
import kpm_ros
import lock
from support.sources import ROOT, imported_names, python_files

# ROS 2 packages whose name differs from the module that is imported.
ROS_MODULES = {
    "builtin_interfaces",
    "diagnostic_msgs",
    "geometry_msgs",
    "launch",
    "launch_ros",
    "message_filters",
    "rcl_interfaces",
    "rclpy",
    "rosgraph_msgs",
    "sensor_msgs",
    "std_msgs",
    "std_srvs",
    "trajectory_msgs",
    "visualization_msgs",
}
NOT_ON_THE_INDEX = {"launch", "launch_ros", "message_filters"}
MODULES_OF_PIP_NAMES = {"PyYAML": "yaml"}


@pytest.fixture(scope="module")
def package() -> Package:
    """Read package.xml as ROS 2's own tools do."""
    return parse_package(str(ROOT / "package.xml"))


def setup_arguments() -> dict[str, ast.expr]:
    """Read what setup.py passes to setup(), without running it."""
    tree = ast.parse((ROOT / "setup.py").read_text())
    call = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "setup"
    )
    return {str(keyword.arg): keyword.value for keyword in call.keywords}


def test_package_xml_is_valid_without_a_warning(package: Package) -> None:
    warnings: list[str] = []
    parse_package(str(ROOT / "package.xml"), warnings=warnings)
    package.validate(warnings=warnings)
    assert warnings == []
    assert package.package_format == 3


def test_package_xml_names_the_licence_file(package: Package) -> None:
    (licence,) = package.licenses
    assert licence == "Apache-2.0"
    assert "Apache License" in (ROOT / licence.file).read_text()[:300]


def test_the_package_announces_that_it_has_messages(package: Package) -> None:
    assert [group.name for group in package.member_of_groups] == ["rosidl_interface_packages"]


def test_versions_agree(package: Package) -> None:
    assert package.version == kpm_ros.__version__


def test_what_cmake_finds_package_xml_asks_for(package: Package) -> None:
    files = [ROOT / "CMakeLists.txt", *(ROOT / "cmake").glob("*.cmake")]
    asked = {d.name for d in package.buildtool_depends + package.build_depends}
    asked |= {dependency.name for dependency in package.test_depends}
    found = {n for f in files for n in re.findall(r"find_package\((\w+)", f.read_text())}
    assert found - {"Python3"}
    assert found - {"Python3"} <= asked


def test_what_the_code_imports_from_ros_package_xml_asks_for(package: Package) -> None:
    asked = {dependency.name for dependency in package.exec_depends}
    used = {
        name
        for file in [*python_files("kpm_ros"), *python_files("launch")]
        for name in imported_names(file)
        if name in ROS_MODULES
    }
    assert {"rclpy", "std_msgs"} <= used, "the search for imports finds nothing"
    assert used - asked == set()


def test_what_the_code_imports_from_ros_the_wheels_bring_too() -> None:
    pinned = (ROOT / "requirements" / "ros.txt").read_text()
    used = {name for file in python_files("kpm_ros") for name in imported_names(file)}
    for name in used & (ROS_MODULES - NOT_ON_THE_INDEX):
        assert f"ros-{name.replace('_', '-')}==" in pinned


def test_the_client_imports_nothing_but_what_an_installation_of_it_asks_for() -> None:
    package = parse_package(str(ROOT / "package.xml"))
    package.evaluate_conditions({"KPM_ROS_ONLY": "interfaces"})
    asked = {d.name for d in package.exec_depends if d.evaluated_condition}
    brought = {name.removeprefix("python3-") for name in asked}
    known = {*sys.stdlib_module_names, *brought, "kpm_ros"}
    files = imports.needed_by("kpm_ros.client")
    assert {"kpm_ros/client.py", "kpm_ros/core/flags.py"} <= set(files)
    for file in files:
        unknown = imported_names(ROOT / file, top_level_only=True) - known
        assert not unknown, f"{file} imports {unknown}"


def test_without_a_word_about_interfaces_everything_is_asked_for(package: Package) -> None:
    package.evaluate_conditions({})
    assert all(dependency.evaluated_condition for dependency in package.exec_depends)


def test_what_the_core_imports_pip_brings() -> None:
    wanted = ast.literal_eval(setup_arguments()["install_requires"])
    names = {re.split(r"[<>=;]", requirement)[0] for requirement in wanted}
    brought = {MODULES_OF_PIP_NAMES.get(name, name) for name in names}
    known = {*sys.stdlib_module_names, *ROS_MODULES, *brought, "kpm_ros"}
    # What is imported at the top of a file is needed by whoever imports it; training and devices
    # import theirs where they use it or in files of their own.
    for room in ("sense", "align", "act", "replay", "operate"):
        for file in python_files(f"kpm_ros/{room}"):
            unknown = imported_names(file, top_level_only=True) - known
            assert not unknown, f"{file.relative_to(ROOT)} imports {unknown}"


def test_pip_gives_the_kpm_command_and_the_files_it_reads() -> None:
    arguments = setup_arguments()
    assert ast.literal_eval(arguments["entry_points"]) == {
        "console_scripts": ["kpm = kpm_ros.cli:main"]
    }
    folders = ast.literal_eval(arguments["package_dir"])
    patterns = ast.literal_eval(arguments["package_data"])
    for package, folder in folders.items():
        for file in (ROOT / folder).rglob("*"):
            inside = file.relative_to(ROOT / folder)
            if file.is_file() and "__pycache__" not in inside.parts:
                assert any(inside.match(pattern) for pattern in patterns[package]), inside


def test_rooms_import_no_messages() -> None:
    rooms = ("sense", "align", "estimate", "act", "simulate", "motion", "learn", "replay")
    for room in rooms:
        for file in python_files(f"kpm_ros/{room}"):
            imports = re.findall(r"^\s*(?:from|import) kpm_ros\.msg\b", file.read_text(), re.M)
            assert not imports, file.relative_to(ROOT)


def test_every_node_module_has_a_main() -> None:
    nodes = sorted((ROOT / "kpm_ros" / "nodes").glob("*_node.py"))
    assert nodes
    for node in nodes:
        tree = ast.parse(node.read_text())
        functions = {part.name for part in tree.body if isinstance(part, ast.FunctionDef)}
        assert "main" in functions, f"{node.name} becomes a command, and needs main()"


def test_the_changelog_is_one_that_release_tools_read(package: Package) -> None:
    changelog = get_changelog_from_path(str(ROOT), package.name)
    versions = [version for version, _, _ in changelog.foreach_version()]
    assert package.version in versions
    for version in versions:
        assert list(changelog.get_content_of_version(version)), f"nothing is said of {version}"


def test_the_quality_declaration_names_pages_that_exist() -> None:
    text = (ROOT / "QUALITY_DECLARATION.md").read_text()
    assert "quality level 4" in text
    for page in re.findall(r"\]\((?!http)([^)]+)\)", text):
        assert (ROOT / page).is_file(), page


def test_the_lowest_versions_of_extras_are_those_that_are_pinned() -> None:
    tree = ast.parse((ROOT / "setup.py").read_text())
    (extras,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXTRAS"
    )
    pins = map(Requirement, lock.pins_in((ROOT / "requirements" / "base.txt").read_text()))
    pinned = {(pin.name.lower(), str(pin.specifier).removeprefix("==")) for pin in pins}
    for wish in (Requirement(text) for texts in extras.values() for text in texts):
        for part in wish.specifier:
            if part.operator in ("==", ">="):
                assert (wish.name, part.version) in pinned, f"{wish} is not what is tested"
