// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a datagram of rtnetlink: what is read of it lies within it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "control/links/link_messages.h"

namespace causeway {
namespace {

constexpr std::size_t kHeaderBytes = 16;  // of a message of netlink

void check(const LinkNews& news, std::span<const std::uint8_t> bytes) {
    CHECK(news.name.find('\0') == std::string_view::npos);
    if (!news.name.empty()) {
        const auto* const first = reinterpret_cast<const std::uint8_t*>(news.name.data());
        CHECK(news.kind == LinkNews::Kind::kLink && news.state != CarrierState::kGone);
        CHECK(first >= bytes.data());
        CHECK(first + news.name.size() <= bytes.data() + bytes.size());
    }
    CHECK((news.kind == LinkNews::Kind::kRefused) == (news.error > 0));
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    // A heap block of exactly this size, so that a sanitizer sees a byte too many.
    const auto copy = std::make_unique<std::uint8_t[]>(size);
    std::copy_n(data, size, copy.get());
    const std::span<const std::uint8_t> bytes(copy.get(), size);
    const std::vector<LinkNews> all = read_link_messages(bytes);
    CHECK(all.size() <= size / kHeaderBytes);
    for (const LinkNews& news : all) check(news, bytes);
    return 0;
}
