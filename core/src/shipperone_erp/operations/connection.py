"""Determines the faulty part of a connection to ShipperOne (address, token or store code), with its cure. Pure."""

from typing import NamedTuple

from shipperone_erp.domain.listing import ReadFailed, Trouble


class WrongPart(NamedTuple):
    """The part as `doctor` names it, and its cure. `answers`: the address itself is right."""

    part: str
    cure: str
    answers: bool = False


def wrong_part(failure: ReadFailed, base_url: str, store: str) -> WrongPart | None:
    """The faulty part behind a failed read of the warehouses; None if the token may still be valid for the queues."""
    if failure.status is None and "JSON" not in failure.sentence:
        return WrongPart("address", f"check base_url ({base_url}), the network, and the certificate")
    if failure.trouble is Trouble.UNAUTHORISED and failure.status == 401:
        cure = (
            "store the token of this store in the place that the configuration names; a running service loads it "
            "automatically"
        )
        return WrongPart("token", cure, answers=True)
    if failure.trouble is Trouble.NOT_FOUND and not failure.is_json:
        cure = f"check base_url ({base_url}): another server may answer there; then check store_code ({store})"
        return WrongPart("address", cure)
    if failure.trouble is Trouble.NOT_FOUND:
        return WrongPart(
            "store code", f"check store_code ({store}), which belongs to the token, and base_url ({base_url})"
        )
    if failure.trouble is not Trouble.UNAUTHORISED:
        return WrongPart("address", f"check base_url ({base_url}), or wait: ShipperOne may be down")
    return None
