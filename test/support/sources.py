"""Reading the project's own source files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def python_files(folder: str) -> list[Path]:
    """List the Python files under a folder of the project."""
    return sorted((ROOT / folder).rglob("*.py"))


def imported_names(file: Path, top_level_only: bool = False) -> set[str]:
    """Collect the first part of every absolute import in a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes: Iterator[ast.AST] = iter(tree.body) if top_level_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names
