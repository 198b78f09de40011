"""A terminal to draw on, which leaves it to its user what a closed one means."""

from __future__ import annotations

import errno
import os

import rich.console


class Console(rich.console.Console):
    """Rich's, without its own end of the program when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Pass the error on."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
