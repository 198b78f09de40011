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

"""Whether anybody still reads what a command prints: a pipe or a terminal may have been closed."""

from __future__ import annotations

import errno
import os
import select
import sys
from contextlib import suppress

GONE = (errno.EPIPE, errno.EIO)
"""What writing to a pipe that nobody reads, or to a terminal that was closed, fails with."""

STDOUT, STDERR = 1, 2


def nobody_reads(descriptor: int = STDOUT) -> bool:
    """Say whether the reader of this output, if it has one, has gone."""
    if (sys.stdout, sys.stderr)[descriptor - STDOUT] is None:
        return False  # closed from the beginning: the descriptor may be something else by now
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(found & (select.POLLERR | select.POLLHUP) for _, found in poll.poll(0))


def lost_its_reader(error: BaseException) -> bool:
    """Say whether this is what printing fails with once nobody reads any more."""
    return (
        isinstance(error, OSError)
        and error.errno in GONE
        and error.filename is None
        and (nobody_reads(STDOUT) or nobody_reads(STDERR))
    )


def flush_output() -> None:
    """Pass on what was printed; what nobody reads is dropped, not complained of at the end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError as error:
            if not lost_its_reader(error):
                raise
            with suppress(OSError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, stream.fileno())
                os.close(null)
