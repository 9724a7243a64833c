"""The files that a pattern of `include` names."""

import glob
from pathlib import Path


def included_files(folder: Path, pattern: str) -> list[Path]:
    """The files that match, sorted; a relative pattern is relative to the folder. Directories do not count."""
    found = glob.glob(pattern, root_dir=folder, recursive=True, include_hidden=True)
    return sorted(file for name in found if (file := folder / name).is_file())
