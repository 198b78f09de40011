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

"""Run as a program: the tests of equal bits, then numbers to hold against another CPU's.

`python -m support.same_work NUMBERS.npz TEST ...` ends with pytest's status.
"""

from __future__ import annotations

import pickle
import sys
from dataclasses import astuple

import numpy as np
import pytest
import threadpoolctl

from kpm_ros.core.resources import DEFAULT_MODEL, find_model
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.weight_files import load_model
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.release.performance import simulate
from kpm_ros.simulate.release.request import Request
from support.senses import MS, T0, S, aligned, every, everything

SECONDS = 2


def numbers() -> dict[str, np.ndarray]:
    """What the grid, the network and a simulated data set come to here."""
    grid = aligned(everything(), every(10 * MS, T0 + S))
    card, tensors = load_model(find_model(DEFAULT_MODEL))
    random = np.random.default_rng(0)
    rows = random.random((1024, card.streams.width), np.float32)
    stream = architecture_of(card).stream(card, tensors)
    stream.reset(0)
    effort = stream.push(rows)
    request = Request(1, 1, 1, SECONDS, seed=5)
    [performance] = request.performances()
    simulated = {
        name.split("/")[-2]: pickle.loads(content)
        for name, content in simulate(request, performance).items()
        if name.endswith(".pkl")
    }
    people = np.array([np.hstack(astuple(Person.from_seed(seed))) for seed in range(100)])
    return {
        "grid_pose": grid.pose,
        "grid_keys": grid.keys,
        "effort": effort,
        "people": people,
        **simulated,
    }


def kernels() -> list[str]:
    """Which kernels NumPy's OpenBLAS has taken."""
    return [
        library["architecture"]
        for library in threadpoolctl.threadpool_info()
        if library["internal_api"] == "openblas" and "numpy" in library["filepath"]
    ]


def main() -> int:
    """Test, then work out the numbers."""
    target, *tests = sys.argv[1:]
    status = int(pytest.main(["-q", "-p", "no:cacheprovider", *tests]))
    np.savez(target, kernels=kernels(), **numbers())
    return status


if __name__ == "__main__":
    sys.exit(main())
