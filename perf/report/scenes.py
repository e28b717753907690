# SPDX-License-Identifier: Apache-2.0
"""Names of scenes, as perf/scene.h writes them."""

USUAL = {
    "ipv6": "0", "bytes": "64", "tags": "2", "routes": "16", "destinations": "drawn", "vrfs": "1",
    "attachments": "2", "ways": "1", "ports": "1", "rules": "0", "policers": "0", "sessions": "0",
    "flows": "kept", "burst": "64", "workers": "1",
}  # fmt: skip
FULL_TABLE = 940_000  # routes of IPv4, and beside them of IPv6:
FULL_TABLE6 = 168_000


def scene(**unusual: str | int) -> str:
    """The name of a scene that differs from the usual one in these."""
    unknown = unusual.keys() - USUAL.keys()
    if unknown:
        raise KeyError(f"scenes have no {', '.join(sorted(unknown))}")
    keys = USUAL | {key: str(value) for key, value in unusual.items()}
    return "/".join(f"{key}:{value}" for key, value in keys.items())


def in_words(name: str) -> str:
    """What is unusual about a scene."""
    keys = dict(part.split(":", 1) for part in name.split("/") if ":" in part)
    if keys.get("ipv6") == "100" and keys["routes"] == str(FULL_TABLE):
        keys["routes"] = str(FULL_TABLE6)
    words = {
        "ipv6": lambda value: "IPv6" if value == "100" else f"{value} % IPv6",
        "bytes": lambda value: "IMIX" if value == "imix" else f"{int(value):,} bytes",
        "tags": lambda value: "single-tagged" if value == "1" else f"{value} tags",
        "routes": lambda value: f"{int(value):,} routes",
        "destinations": lambda value: value,
        "vrfs": lambda value: f"{int(value):,} VRFs",
        "attachments": lambda value: f"{int(value):,} attachments",
        "ways": lambda value: f"{value} next hops a route",
        "ports": lambda value: f"{value} ports out",
        "rules": lambda value: f"{int(value):,} rules",
        "policers": lambda value: f"{value} levels of policers",
        "sessions": lambda value: f"NAT, {int(value):,} sessions",
        "flows": lambda value: f"flows {value}",
        "burst": lambda value: f"bursts of {value}",
        "workers": lambda value: f"{value} workers",
    }
    said = [words[key](value) for key, value in keys.items() if value != USUAL[key]]
    return ", ".join(said) or "as usual"
