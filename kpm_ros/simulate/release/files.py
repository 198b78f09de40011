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

"""Files of a performance, and a record of what they hold once they are finished."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import PICKLE_BYTES, read_bytes, read_json

_PROTOCOL = 4
"""Read by every Python since 3.4."""


def pickled(array: NDArray[np.generic]) -> bytes:
    """Pickle a plain array, as the published layout wants it."""
    return pickle.dumps(np.ascontiguousarray(array), protocol=_PROTOCOL)


def as_json_bytes(content: Mapping[str, Any]) -> bytes:
    """Write JSON that people can read, the same for the same content."""
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def write_set(root: Path, files: Mapping[str, bytes], record: str) -> None:
    """Write files below `root`, and last the record by which they are found finished."""
    for name, content in files.items():
        write_atomically(root / name, content, durable=True)
    checks = {name: [len(content), _digest(content)] for name, content in files.items()}
    write_atomically(root / record, as_json_bytes(checks), durable=True)


def is_finished(root: Path, record: str) -> bool:
    """Whether all files of a record are there and hold what they held when written."""
    try:
        checks = read_json(root / record)
        return bool(checks) and all(
            (root / name).stat().st_size == size
            and _digest(read_bytes(root / name, PICKLE_BYTES)) == digest
            for name, (size, digest) in checks.items()
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return False


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
