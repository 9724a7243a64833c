"""A digest of one tenant's configuration, by which workers detect that their configurations differ."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(table: Mapping[str, Any]) -> str:
    """The digest of the tenant's table, as written, with `[defaults]` under it. It covers references to secrets, not
    secrets.

    Values of environment variables are not part of it: two machines may keep their differences in their environment.
    """
    text = json.dumps(table, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
