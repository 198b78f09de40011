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

"""Settings are refused in words, and the parameters file says the same as the code."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from kpm_ros.align.keys import KeyRules
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.core.resources import config_dir
from kpm_ros.core.settings import ConfigurationError, declared, make_settings, why_fixed
from kpm_ros.nodes import models, node_settings
from kpm_ros.nodes.effort_settings import ExoSettings, InferenceSettings, SynchronizerSettings


def test_the_shipped_parameters_file_is_what_the_settings_say():
    shipped = (config_dir() / "pipeline.yaml").read_text()
    assert shipped == node_settings.as_yaml(), (
        "run: python -m kpm_ros.nodes.node_settings > config/pipeline.yaml"
    )


def test_the_parameters_file_gives_every_node_its_defaults():
    parsed = yaml.safe_load(node_settings.as_yaml())
    for node, kind in node_settings.NODES.items():
        given = parsed[f"/**/{node}"]["ros__parameters"]
        assert make_settings(node, kind, given) == kind()


@pytest.mark.parametrize("kind", node_settings.NODES.values(), ids=node_settings.NODES)
def test_every_setting_says_what_it_is_for(kind):
    for name, setting in declared(kind).items():
        assert setting.description
        assert (setting.least is None) == (setting.most is None)
        assert setting.live or why_fixed(kind, name)


def _attributes_read(folder: Path, of: str = "") -> set[str]:
    """Names that code in a folder looks up, of anything or of what has that name itself."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                owner = node.value
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if not of or name == of:
                    found.add(node.attr)
            elif isinstance(node, ast.Constant) and not of:
                found.add(node.value)  # as for getattr
    return found


@pytest.mark.parametrize("kind", node_settings.KINDS.values(), ids=node_settings.KINDS)
def test_every_setting_is_used(kind):
    package = Path(node_settings.__file__).parents[1]
    own = _attributes_read(package / "nodes", of="settings")
    rooms = {
        spec.name: package / spec.metadata["rules"].__module__.split(".")[1]
        for spec in fields(kind)
        if "rules" in spec.metadata
    }
    used = {group: _attributes_read(room) for group, room in rooms.items()}
    for name, setting in declared(kind).items():
        assert setting.path[0] in own, f"{setting.path[0]} is read nowhere"
        if len(setting.path) > 1:
            assert setting.path[-1] in used[setting.path[0]], f"{name} is read nowhere"


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"rate_hz": 5000.0}, r"exo: rate_hz is 5000.0, but must be from 10 to 1000"),
        ({"rate_hz": float("nan")}, r"exo: rate_hz is nan, but must be from"),
        ({"rate_hz": "fast"}, r"exo: rate_hz is 'fast', but must be a number"),
        ({"enabled": 1}, r"exo: enabled is 1, but must be true or false"),
        ({"gains": [1.0]}, r"exo: gains is \[1.0\], but must be a list of strings"),
        ({"rate": 10.0}, r"exo: there is no parameter 'rate' \(did you mean 'rate_hz'\?\)"),
        ({"rate": 10.0}, r"the parameters are .*enabled, .*gains"),
    ],
)
def test_a_wrong_value_is_refused_with_which_why_and_what_is_allowed(values, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        make_settings("exo", ExoSettings, values)


def test_what_the_synchronizer_is_told_are_the_aligners_rules():
    told = {
        "hop_s": 0.02,
        "future_s": 0.2,
        "pose_wait_s": 0.07,
        "pose_longest_wait_s": 0.3,
        "pose_stale_s": 0.06,
        "pose_lost_s": 0.3,
        "pose_extrapolate_s": 0.04,
        "pose_hidden_below": 0.4,
        "pose_newest_wait_s": 0.01,
        "pose_transit_s": 0.004,
        "pose_may_repeat": True,
        "keys_wait_s": 0.03,
        "keys_fresh_s": 0.15,
        "keys_missing_s": 2.0,
        "keys_longest_hold_s": 20.0,
    }
    config = models.aligner_config(make_settings("synchronizer", SynchronizerSettings, told))
    assert (config.hop_s, config.future_s) == (0.02, 0.2)
    assert config.pose == PoseRules(0.07, 0.3, 0.06, 0.3, 0.04, 0.4, 0.01, 0.004, True)
    assert config.key == KeyRules(wait_s=0.03, fresh_s=0.15, longest_hold_s=20.0, missing_s=2.0)


def test_a_choice_that_does_not_exist_is_refused_with_those_that_do():
    with pytest.raises(ConfigurationError, match="must be one of: even, burst"):
        make_settings("inference", InferenceSettings, {"pacing": "odd"})


def test_a_whole_number_is_taken_where_a_decimal_one_is_due():
    checked = make_settings("exo", ExoSettings, {"rate_hz": 100})
    assert checked.rate_hz == 100.0
    assert isinstance(checked.rate_hz, float)
