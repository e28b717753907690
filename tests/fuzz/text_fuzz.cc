// SPDX-License-Identifier: Apache-2.0
//
// Whatever base/text reads, it writes again as it was, and reads again as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto address = parse_ipv4_address(text)) CHECK(to_string(*address) == text);
    if (const auto prefix = parse_ipv4_prefix(text)) CHECK(to_string(*prefix) == text);
    if (const auto mac = parse_mac(text)) CHECK(parse_mac(to_string(*mac)) == mac);
    return 0;
}
