// SPDX-License-Identifier: Apache-2.0
//
// DeviceSpec: what an operator's `device:` means to DPDK. docs/ports.md has the same table for
// people.
//
//   0000:3b:00.0, 3b:00.0[,key=value...]   a NIC, by PCI address
//   af_xdp:IFACE                           a kernel interface, frames of provisioned tags only
//   af_packet:IFACE                        a kernel interface, a copy of every frame
//   tap:NAME                               a new TAP interface of that name
//   net_ring0, net_null0,size=64, ...      any virtual device of DPDK, as DPDK spells it
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace causeway {

enum class DeviceKind : std::uint8_t { kPci, kAfXdp, kAfPacket, kTap, kVirtual };

struct DeviceSpec {
    DeviceKind kind = DeviceKind::kVirtual;
    std::string name;       // kPci: 0000:3b:00.0; kVirtual: net_ring0; else empty, as we choose it
    std::string args;       // key=value,... that the operator added; kPci and kVirtual only
    std::string interface;  // the kernel's name of it; empty where the kernel has none

    friend bool operator==(const DeviceSpec&, const DeviceSpec&) = default;
};

// Pure: asks nothing of the machine. Any text is fine as input.
[[nodiscard]] Result<DeviceSpec> parse_device_spec(std::string_view text);

// The canonical text of a spec: parse_device_spec(to_string(s)) gives s again.
[[nodiscard]] std::string to_string(const DeviceSpec& spec);

// What to plug into DPDK.
struct EalDevice {
    std::string bus;   // "pci" or "vdev"
    std::string name;  // unique in the process
    std::string args;

    friend bool operator==(const EalDevice&, const EalDevice&) = default;
};

// What only the machine knows about an af_xdp device.
struct XdpDetails {
    std::string program;  // path of the tag filter's object
    unsigned queues = 1;  // the first ones of the interface
};

[[nodiscard]] EalDevice eal_device(const DeviceSpec& spec, PortId id,
                                   const XdpDetails& xdp = XdpDetails{});

}  // namespace causeway
