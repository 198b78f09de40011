"""What went wrong for reasons that the user can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kpm_ros.foreign_files import printable_lines
from kpm_ros.lock import AlreadyRunning
from kpm_ros.operate.readers import lost_its_reader


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
