"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real recordings and reference vectors beside the project; skips without it."""
    if not SHARED.is_dir():
        pytest.skip(f"no reference data beside the project (looked for {SHARED.name}/)")
    return SHARED
