# SPDX-License-Identifier: Apache-2.0
"""What causewayd says of itself, by way of `causeway --json show`."""

import time
from dataclasses import dataclass
from typing import Any

from evidence import warm_up
from lab import Lab
from netns import LabError
from scene import LINKS, PRIVATE_PEERS


@dataclass(frozen=True)
class Account:
    """One row of `show counters`: an attachment's, or a port's for frames that nobody claims."""

    name: str
    received: int
    sent: int
    forwarded: int
    drops: dict[str, int]
    punts: dict[str, int]

    @property
    def unaccounted(self) -> int:
        """0 for ever: in = out + drops (+ what the control thread was given)."""
        return (self.received - self.forwarded - sum(self.drops.values()) -
                sum(self.punts.values()))


def accounts(lab: Lab) -> dict[str, Account]:
    return {row["name"]: Account(row["name"], row["rx"]["packets"], row["tx"]["packets"],
                                 row["forwarded"], row["drops"], row["punts"])
            for row in lab.show("counters")}


def link_packets(lab: Lab, customer: str) -> dict[str, int]:
    """Packets that each link of a customer's private peering has carried, in and out."""
    rows = accounts(lab)
    legs = {link: rows[f"{customer}/private/{link}"] for link in LINKS}
    return {link: leg.received + leg.sent for link, leg in legs.items()}


def attachments(lab: Lab) -> dict[str, Any]:
    return {row["name"]: row for row in lab.show("attachments")}


def is_used(lab: Lab, link: str) -> bool:
    """Whether the routes to contoso's own prefixes may take this link."""
    return all(member["alive"] for group in lab.show("groups") for member in group["members"]
               if member["attachment"] == f"contoso/private/{link}")


def drain_state(lab: Lab, link: str) -> tuple[str, str, str]:
    """Of contoso's private peering: the drain, the appeal that BGP is told, and up or down."""
    row = attachments(lab)[f"contoso/private/{link}"]
    return row["drain"], row["appeal"], row["state"]


def bfd_session(lab: Lab, link: str) -> dict[str, Any]:
    """Of contoso's private peering, in IPv4."""
    return next(row for row in lab.show("bfd", f"contoso/private/{link}")
                if row["address"] == PRIVATE_PEERS[link][0])


def settle(lab: Lab, seconds: float = 5.0) -> None:
    """Waits until every attachment is up and every neighbour known."""
    deadline = time.monotonic() + seconds
    while down := [name for name, row in attachments(lab).items() if row["state"] != "up"]:
        if time.monotonic() > deadline:
            raise LabError(f"still down: {', '.join(down)}")
        time.sleep(0.05)
    warm_up(lab)
