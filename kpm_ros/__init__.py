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

"""Muscle effort at 2 kHz from cameras: of hands at a piano, and of bodies."""

from pkgutil import extend_path

from kpm_ros.core.signals import end_quietly, module_to_run

# The generated kpm_ros.msg lies in the workspace's install folder. Joining it here lets a source
# checkout (`python -m ...` in the project's root) find it too, once the workspace is sourced.
__path__ = extend_path(__path__, __name__)

# Until a program of ours listens for requests to stop, they end it without a word.
if (_module := module_to_run()).startswith("kpm_ros."):
    end_quietly(_module)

__version__ = "0.1.0"
