// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as an HTTP client's first bytes: what is found in a part of them is found in
// all of them, and nothing else.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "acl/names/http_request.h"
#include "base/check.h"

namespace causeway {
namespace {

template <class Find>
void check(std::span<const std::uint8_t> bytes, Find&& find) {
    const NameSearch all = find(bytes);
    if (all.state == NameSearch::State::kFound) CHECK(Hostname::from(all.name.text()) == all.name);
    const std::size_t step = 1 + bytes.size() / 256;
    for (std::size_t part = 0; part < bytes.size(); part += step) {
        const NameSearch search = find(bytes.first(part));
        if (search.state == NameSearch::State::kMore) continue;
        CHECK(search.state == all.state && search.name == all.name);
    }
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    causeway::check({data, size}, causeway::find_name_in_http);
    return 0;
}
