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

"""The pipeline's options on a command line, made from `OPTIONS`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.pipeline_options import OPTIONS, PipelineOptions

ASSIGNMENT = re.compile(r"([A-Za-z_]\w*):=(.*)", re.DOTALL)


def add_pipeline_options(parser: argparse.ArgumentParser, without: Sequence[str] = ()) -> None:
    """Offer every option of the graph as `--name VALUE`."""
    group = parser.add_argument_group(
        "pipeline options", "each also as name:=value, as `ros2 launch` takes them"
    )
    for option in OPTIONS:
        if option.name not in without:
            spellings = dict.fromkeys((option.name.replace("_", "-"), option.name))
            default = f" (default: {option.default})" if option.default else ""
            group.add_argument(
                *(f"--{spelling}" for spelling in spellings),
                dest=f"option_{option.name}",
                metavar="|".join(option.choices) or option.name.upper(),
                help=(option.description + default).replace("%", "%%"),
            )


def spell_out(words: Sequence[str]) -> list[str]:
    """Rewrite `name:=value` as `--name=value`; a name that is no option is refused."""
    known = [option.name for option in OPTIONS]
    spelled = []
    for word in words:
        found = ASSIGNMENT.fullmatch(word)
        if found and found[1] not in known:
            raise UserError(f"no option {found[1]!r}: the options are {', '.join(known)}")
        spelled.append(f"--{found[1]}={found[2]}" if found else word)
    return spelled


def pipeline_options(arguments: argparse.Namespace) -> PipelineOptions:
    """Type and check what the command line says."""
    with user_errors():
        return PipelineOptions.from_strings(given_options(arguments))


def given_options(arguments: argparse.Namespace) -> dict[str, str]:
    """List what the command line says, as it says it."""
    prefix = "option_"
    return {
        name[len(prefix) :]: value
        for name, value in vars(arguments).items()
        if name.startswith(prefix) and value is not None
    }
