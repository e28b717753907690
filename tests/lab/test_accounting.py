# SPDX-License-Identifier: Apache-2.0
"""Every packet is accounted for: in = out + the sum of the drop reasons."""

from collections import Counter

from lab_case import LabTest
from evidence import ping, talk
from router_state import accounts
from scene import ROUTER, VNET_HOST

STRANGER = bytes.fromhex("020000000099")
ROUNDS = 50
IPV4_STUB = bytes.fromhex("0800") + bytes(46)
DOT1Q = b"\x81\x00"


def tagged(*vids: int) -> bytes:
    return b"".join(DOT1Q + vid.to_bytes(2, "big") for vid in vids) + IPV4_STUB


# Why a frame is refused, and what follows its MAC addresses. Contoso's tags are 10 and 100.
REFUSED = {
    "untagged": tagged(),
    "priority_tagged": tagged(0, 100),
    "reserved_vid": tagged(4095, 100),
    "triple_tagged": tagged(10, 100, 5),
    "unknown_tags": tagged(10, 999),
}
# What the XDP filter lets through to be judged; the rest it leaves to the kernel, and counts.
PASSES_TAG_FILTER = {"triple_tagged"}


class Accounting(LabTest):
    def assert_all_accounted(self) -> None:
        self.eventually(lambda: all(row.unaccounted == 0 for row in accounts(self.lab).values()),
                        "packets unaccounted for")

    def test_in_is_out_plus_drops_whatever_comes(self) -> None:
        before = accounts(self.lab)
        both = [talk(self.lab, customer, 1.5) for customer in ("contoso", "adatum")]
        ping(self.lab, "contoso", VNET_HOST, "-t", "1")  # ends in the router
        ping(self.lab, "contoso", "10.2.0.99", count=1)  # nobody there
        ping(self.lab, "contoso-vnet", "10.77.0.1")  # no route
        sent = sum(one.finish().sent for one in both)
        self.assert_all_accounted()
        after = accounts(self.lab)
        forwarded = sum(after[name].forwarded - before[name].forwarded for name in before)
        self.assertGreaterEqual(forwarded, sent)
        reasons: Counter[str] = Counter()
        for name, row in after.items():
            reasons += Counter({**row.drops, **row.punts})
            reasons -= Counter({**before[name].drops, **before[name].punts})
        for reason in ("ttl_expired", "unresolved", "no_route"):
            self.assertGreater(reasons[reason], 0, reason)

    def test_refused_frames_each_have_their_counter(self) -> None:
        before = self.port_state()
        mac = bytes.fromhex(self.lab.run(ROUTER, "cat", "/sys/class/net/edge0/address")
                            .strip().replace(":", ""))
        self.on_wire("provider-primary", "send", ROUTER, str(ROUNDS),
                     *((mac + STRANGER + rest).hex() for rest in REFUSED.values()))
        counted = PASSES_TAG_FILTER if self.lab.device == "af_xdp" else REFUSED.keys()
        to_kernel = ROUNDS * (len(REFUSED) - len(counted))

        def seen() -> tuple[dict[str, int], int]:
            drops, kernel = self.port_state()
            return ({reason: drops[reason] - before[0][reason] for reason in REFUSED},
                    kernel - before[1])

        expected = {reason: ROUNDS if reason in counted else 0 for reason in REFUSED}
        self.eventually(lambda: seen()[0] == expected and seen()[1] >= to_kernel,
                        f"expected {expected} and {to_kernel} left to the kernel")
        self.assert_all_accounted()

    def port_state(self) -> tuple[dict[str, int], int]:
        """Drops of the primary edge port by reason, on its own row and on contoso's, and the frames
        that its filter has left to the kernel."""
        port = next(p for p in self.lab.show("ports") if p["name"] == "edge-primary")
        leg = accounts(self.lab)["contoso/private/primary"].drops
        drops = {reason: port["drops"].get(reason, 0) + leg.get(reason, 0) for reason in REFUSED}
        return drops, (port["tag-filter"] or {"kernel": 0})["kernel"]
