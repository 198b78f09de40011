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

"""The cameras' `latency_s` in a parameters file: read, and changed with all else left as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from kpm_ros.core.atomic_files import write_output
from kpm_ros.core.foreign_files import SETTINGS_BYTES, read_text
from kpm_ros.core.params_file import names
from kpm_ros.core.resources import config_dir
from kpm_ros.operate import preflight
from kpm_ros.operate.errors import UserError, user_errors

PARAMETER = "latency_s"


class Latencies:
    """What the cameras' stamps are corrected by, and the file in which to say so."""

    def __init__(self, namespace: str, params_file: str = "", target: Path | None = None) -> None:
        """Read the parameters in force: a file's, else the target's, else the package's."""
        self._namespace = namespace
        self._target = target
        if target and not target.parent.is_dir():
            raise UserError(f"write is {str(target)!r}, but there is no folder {target.parent}")
        with user_errors():
            self._parameters = preflight.read_parameters(config_dir() / "pipeline.yaml")
            if target and target.exists():
                self._parameters = preflight.read_parameters(target)
            if params_file:
                self._parameters = preflight.read_parameters(Path(params_file))

    def of(self, view: str) -> float:
        """Seconds that are taken off this view's stamps."""
        return _latency(view, self._namespace, self._parameters)

    def write(self, latencies: Mapping[str, float]) -> None:
        """Put these into the target, which is made if it is not there; all of it or nothing."""
        assert self._target is not None
        with user_errors():
            text = read_text(self._target, SETTINGS_BYTES) if self._target.exists() else ""
            for view, latency_s in latencies.items():
                text = with_latency(text, view, self._namespace, round(latency_s, 4))
            write_output(self._target, text.encode())


def with_latency(text: str, view: str, namespace: str, latency_s: float) -> str:
    """Set one camera's latency in the text of a parameters file; nothing else changes."""
    changed = _set(text, f"/{namespace}/camera_{view}", f"{latency_s}")
    if changed is None:
        before = f"{text.rstrip()}\n\n" if text.strip() else ""
        section = f"/**/camera_{view}:\n  ros__parameters:\n    {PARAMETER}: {latency_s}\n"
        changed = before + section
    if _latency(view, namespace, yaml.safe_load(changed)) != latency_s:
        raise UserError(
            f"{PARAMETER} of camera_{view} cannot be set to {latency_s} in this file: write the "
            "parameters of each camera once, a line each, as the package's pipeline.yaml does"
        )
    return changed


def _set(text: str, node: str, value: str) -> str | None:
    """Put a value where the text gives parameters to a node; None where it gives it none."""
    sections = list(_sections(yaml.compose(text, yaml.SafeLoader), node))
    for section in sections:
        for name, old in section.value:
            if name.value == PARAMETER:
                return text[: old.start_mark.index] + value + text[old.end_mark.index :]
    for section in sections:
        if section.value and not section.flow_style:
            first = section.value[0][0].start_mark
            line = f"{PARAMETER}: {value}\n{' ' * first.column}"
            return text[: first.index] + line + text[first.index :]
    return None


def _latency(view: str, namespace: str, parameters: dict[str, Any]) -> float:
    with user_errors():
        settings = preflight.settings_of(f"camera_{view}", namespace, parameters, {}, "camera")
    return float(settings.camera.latency_s)


def _sections(tree: Any, node: str, prefix: str = "") -> Iterator[Any]:
    """Find where parameters are given to a node by its name, the last first: that is in force."""
    if not isinstance(tree, yaml.MappingNode):
        return
    for key, value in reversed(tree.value):
        if key.value == "ros__parameters":
            own = prefix.rpartition("/")[2] == node.rpartition("/")[2]
            if own and isinstance(value, yaml.MappingNode) and names(prefix, node):
                yield value
        else:
            yield from _sections(value, node, f"{prefix}/{str(key.value).strip('/')}")
