# SPDX-License-Identifier: Apache-2.0
"""The section on the daemon itself, on kernel devices."""

from report.model import Report, Section

HEADER = ["device", "packets/s without loss", "round trip, 50 %", "99 %", "99.9 %",
          "gap to the cloud", "gap from the cloud"]  # fmt: skip


def on_devices(report: Report) -> Section:
    rows = {row.name: row for row in report.rows if row.program == "end_to_end"}
    title = "End to end, kernel devices"
    if not rows:
        why = report.missing.get("end_to_end", "nobody asked for it.")
        return Section("devices", title, "Not measured: " + why, HEADER, [])
    table = []
    for device in dict.fromkeys(name.split("/")[0] for name in rows):
        rate, waits, gap = (rows[f"{device}/{part}"] for part in ("rate", "latency", "gap"))
        gaps = [max(gap.low(f"{link}_{way}_ms") for link in ("primary", "secondary"))
                for way in ("in", "out")]  # fmt: skip
        table.append([
            device, f"{rate.low('rate'):,.0f}",
            *(f"{waits.low(share):,.0f} µs" for share in ("p50", "p99", "p99.9")),
            *(f"{one:.0f} ms" for one in gaps),
        ])  # fmt: skip
    text = (
        "`causewayd` between a customer and a virtual network, all of them namespaces on veth: "
        "packets of 64 bytes one way, found by halves (2 % of 200,000); pings while nothing else "
        "is sent; the longest silence at any receiver when either link is cut under 8 flows of "
        "500 packets/s each way. The generator, the receiver, two kernels' worth of devices and a "
        "polling worker share this machine's cores, so it is the machine that is measured. "
        "`perf/end_to_end.py`."
    )
    return Section("devices", title, text, HEADER, table)
