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

"""Only one of a kind at a time: a lock that the kernel frees when its holder ends."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from urllib.parse import quote


class AlreadyRunning(RuntimeError):  # noqa: N818
    """Another process holds the lock; the message says which."""


class Lock:
    """A lock that is held until it is released, or until its process ends."""

    def __init__(self, descriptor: int, path: Path) -> None:
        """Keep the open file: the lock lives as long as it does."""
        self.path = path
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Let others have it; doing so twice is harmless."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Lock:
        """Hold it for a `with` block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Release it at the block's end."""
        self.release()


def hold(name: str) -> Lock:
    """Take the lock of this name, such as "pipeline /kpm", or raise AlreadyRunning.

    Two users, or two ROS domains, do not see each other's locks: they do not disturb each other.
    """
    path = lock_path(name)
    # The file stays behind on purpose: removing it would let two processes lock two files at once.
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise AlreadyRunning(
            f"the lock of {name} at {path} cannot be opened: {error.strerror}"
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
        os.close(descriptor)
        who = f" (process {holder})" if holder.isdigit() else ""
        raise AlreadyRunning(
            f"{name} is already running{who}: stop it first, or use another namespace or "
            f"ROS_DOMAIN_ID (now {domain()})"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
    return Lock(descriptor, path)


def lock_path(name: str) -> Path:
    """File behind the lock of this name, one per user and ROS domain."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if not folder.is_absolute() or not os.access(folder, os.W_OK):
        folder = Path(tempfile.gettempdir())
    return folder / f"kpm_ros-{os.getuid()}-{domain()}-{quote(name, safe='')}.lock"


def domain() -> str:
    """ROS domain in force."""
    return os.environ.get("ROS_DOMAIN_ID", "").strip() or "0"
