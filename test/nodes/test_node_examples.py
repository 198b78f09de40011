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

"""Examples in docstrings of what needs ROS show what happens."""

from __future__ import annotations

import pytest

from support.examples import modules_of, run_examples


@pytest.mark.parametrize("name", modules_of("kpm_ros.client", "kpm_ros.nodes"))
def test_examples_show_what_happens(name, node, tmp_path):
    run_examples(name, node=node, folder=tmp_path)
