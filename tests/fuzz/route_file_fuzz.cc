// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a file of routes, text or dump: read to the end or to an error, the same in small
// pieces as at once, and never with a prefix that is none.
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "base/check.h"
#include "base/text.h"
#include "control/route_files/route_reader.h"
#include "tests/control/memory_source.h"

namespace {

using namespace causeway;

// All routes and the error, if there is one, as text.
std::string read_all(std::span<const std::uint8_t> bytes, std::size_t at_once) {
    test::MemorySource source(bytes, at_once);
    const auto reader = read_routes(source, {});
    std::string all;
    while (true) {
        const auto route = (*reader)->next();
        if (!route) return all + route.error().field + ": " + route.error().message;
        if (!route->has_value()) return all;
        const FileRoute& one = **route;
        const std::string prefix = to_string(one.prefix);
        CHECK(parse_ip_prefix(prefix) == one.prefix);
        const auto* word = std::get_if<std::string_view>(&one.way);
        all += prefix + ' ' +
               (word != nullptr ? std::string(*word) : to_string(std::get<IpAddress>(one.way))) +
               '\n';
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span bytes(data, size);
    CHECK(read_all(bytes, size + 1) == read_all(bytes, 7));
    return 0;
}
