"""A digest of what the configuration says about one tenant, by which machines find that theirs differ."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(table: Mapping[str, Any]) -> str:
    """Of the tenant's table with `[defaults]` under it, as it is written: where a secret is kept, never the secret.

    What a variable puts in is not part of it: two machines may keep what differs between them in their environment.
    """
    text = json.dumps(table, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
