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

"""What went wrong for reasons that the user can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kpm_ros.core.foreign_files import printable_lines
from kpm_ros.core.lock import AlreadyRunning
from kpm_ros.operate.output_readers import lost_its_reader


class UserError(Exception):
    """Ends a command with one sentence and exit status 2.

    What the sentence quotes from a file cannot act on the terminal.
    """

    def __init__(self, sentence: str) -> None:
        """Hold the sentence as it may be shown."""
        super().__init__(printable_lines(sentence))


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn what the rooms raise for bad input into a UserError."""
    try:
        yield
    except OSError as error:
        if lost_its_reader(error):
            raise
        where = f"{error.filename}: " if error.filename and error.strerror else ""
        raise UserError(f"{where}{error.strerror or error}") from None
    except (ValueError, AlreadyRunning) as error:
        raise UserError(str(error)) from None


@contextmanager
def needed_libraries(purpose: str, extras: str) -> Iterator[None]:
    """Say which library a purpose lacks, and the extras of this package that bring it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("kpm_ros"):
            raise
        raise UserError(
            f"{purpose} needs the library {error.name}, which comes with `make setup` or "
            f"`pip install 'kpm_ros[{extras}]'`"
        ) from None
