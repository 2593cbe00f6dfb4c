# Copyright: certwright.aws contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the deployment package of a Lambda function from its handler and what it uses of the collection's core.

The package holds the handler at its root and, below ``ansible_collections``, the modules of ``module_utils`` that it
imports, directly or through others. So a handler imports the core by the same names in Lambda as anywhere else. The
same sources give the same bytes: names are sorted, times fixed, and nothing is compressed, because zlib's output
differs from one version to the next.
"""

from __future__ import annotations

import ast
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

CORE = "ansible_collections.certwright.aws.plugins.module_utils"
CORE_FOLDER = Path(__file__).parent.parent / "module_utils"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold


def build(handler: Path, core_folder: Path = CORE_FOLDER) -> tuple[bytes, list[str]]:
    """The package, and the names of the files in it.

    :param handler: the file with the handler; it becomes a module of the same name
    :raises SyntaxError: a source file is no Python
    :raises FileNotFoundError: a module of the core that is imported does not exist
    """
    parents = CORE.split(".")[:-1]
    sources = {"/".join([*parents[:depth], "__init__.py"]): b"" for depth in range(1, len(parents) + 1)}
    sources[handler.name] = handler.read_bytes()
    for path in used_modules(handler, core_folder):
        name = "/".join([*CORE.split("."), *path.relative_to(core_folder).parts])
        sources[name] = path.read_bytes()
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.create_system = 3  # Unix, whatever the controller is
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, sources[name])
    return package.getvalue(), sorted(sources)


def used_modules(handler: Path, core_folder: Path) -> set[Path]:
    """The files of the core that a handler imports, directly or through others, with their packages."""
    found: set[Path] = set()
    waiting = [(handler, "")]
    while waiting:
        path, package = waiting.pop()
        for name in _imports(ast.parse(path.read_bytes(), str(path)), package):
            for module in _files(name, core_folder):
                if module not in found:
                    found.add(module)
                    inside = ".".join([CORE, *module.relative_to(core_folder).parent.parts])
                    waiting.append((module, inside))
    return found


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """Full names of everything of the core that is imported; for ``from x import y`` both ``x`` and ``x.y``.

    :param package: in which the importing module is
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name == CORE or name.startswith(f"{CORE}."))


def _files(name: str, core_folder: Path) -> list[Path]:
    """The module or package of this name, with the packages that it is in; none for a name that a module defines.

    :raises FileNotFoundError: the core has no such module
    """
    parts = name.split(".")[len(CORE.split(".")) :]
    whole = core_folder.joinpath(*parts)
    around = [core_folder.joinpath(*parts[:depth], "__init__.py") for depth in range(len(parts))]
    for itself in (whole.with_suffix(".py"), whole / "__init__.py"):
        if itself.is_file():
            return [*filter(Path.is_file, around), itself]
    if whole.parent.with_suffix(".py").is_file():
        return []
    raise FileNotFoundError(f"the core has no module {name}")
