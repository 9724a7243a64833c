"""Detects two tenants on the same queue of one store: every order would be reserved and invoiced twice."""

from collections.abc import Iterator, Mapping
from typing import Any

from shipperone_erp.domain.states import Stage
from shipperone_erp.kernel.store_addresses import same_store


def shared_queues(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, list[Stage]]]:
    """Each tenant on a queue that an earlier one serves: its name, the name of the earlier one, the stages.

    `tables`: the settings of each tenant as written, with the defaults and the variables. Values of a wrong type are
    left out, since they are reported elsewhere.
    """
    served: dict[tuple[str, str, Stage], str] = {}
    for name, table in tables.items():
        base_url, store_code = table.get("base_url"), table.get("store_code", "default")
        if not isinstance(base_url, str) or not isinstance(store_code, str) or not base_url:
            continue
        stages = table.get("stages", list(Stage))
        store = same_store(base_url), store_code
        shared: dict[str, list[Stage]] = {}
        for stage in Stage:
            if isinstance(stages, list) and stage.value in stages:
                first = served.setdefault((*store, stage), name)
                if first != name:
                    shared.setdefault(first, []).append(stage)
        for other, both in shared.items():
            yield name, other, both
