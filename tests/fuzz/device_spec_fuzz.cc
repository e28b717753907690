// SPDX-License-Identifier: Apache-2.0
//
// Any text as a device: no crash, and what is accepted says itself again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "dataplane/device_spec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const Result<DeviceSpec> spec = parse_device_spec(text);
    if (!spec) return 0;
    const Result<DeviceSpec> again = parse_device_spec(to_string(*spec));
    CHECK(again);
    CHECK(*again == *spec);
    const EalDevice device = eal_device(*spec, PortId(0));
    CHECK(!device.name.empty());
    // An operator's text must not reach another of DPDK's arguments than its own.
    CHECK(spec->interface.find_first_of(",=") == std::string::npos);
    return 0;
}
