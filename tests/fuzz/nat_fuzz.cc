// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as packets to the translator, from both sides, as many as the input says: pieces of
// `direction, length, bytes`. Bytes are taken as they come, and once more with a sound IPv4 header,
// or little would get past it. Nothing behind a packet may be touched, and all that was made must
// end.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "nat/translator.h"
#include "tests/nat/nat_bed.h"

namespace causeway {
namespace {

constexpr NatSeconds kStart = 100;
constexpr NatSeconds kLongest = 8'000;  // more than any timer: TCP's of 2 h 4 min (RFC 5382 REQ-5)

// Made once: what a packet left is gone when its input is over.
struct Bed {
    Bed() : mapping(NatPoolSettings{.block_ports = 64, .host_blocks_max = 1}, 1) {
        const std::vector<StaticMapping> services{{.pool = test::kPool,
                                                   .protocol = {},
                                                   .inside = {Ipv4Address(0x0a0000fe), 0},
                                                   .outside = {Ipv4Address(0xc63364fe), 0}}};
        statics = StaticMappings::create(services).value();
        translator = std::move(
            Translator::create(*mapping.mappings, {.worker = WorkerId(0),
                                                   .sessions_max = 64,
                                                   .fragments = {.datagrams_max = 8, .held_max = 4},
                                                   .now = kStart,
                                                   .pages = PageSize::kSmall})
                .value());
    }
    test::MappingBed mapping;
    StaticMappings statics;
    std::unique_ptr<Translator> translator;
    NatSeconds now = kStart;
    std::size_t held = 0;
};

void take_fragments(Bed& bed) {
    const std::size_t out = bed.translator->released().size() + bed.translator->dropped().size();
    CHECK(out <= bed.held);
    bed.held -= out;
    bed.translator->take_fragments();
}

void give(Bed& bed, NatDirection direction, std::span<const std::uint8_t> input) {
    // A heap block of exactly this size, so that a sanitizer sees a byte too many.
    const auto bytes = std::make_unique<std::uint8_t[]>(input.size());
    std::copy(input.begin(), input.end(), bytes.get());
    const NatPacket packet{.bytes = bytes.get(),
                           .size = static_cast<std::uint16_t>(input.size()),
                           .pool = test::kPool};
    NatResult result;
    if (direction == NatDirection::kOutbound) {
        bed.translator->outbound({&packet, 1}, {&result, 1}, bed.statics, bed.now);
    } else {
        bed.translator->inbound({&packet, 1}, {&result, 1}, bed.statics, bed.now);
    }
    CHECK(result.outcome != NatOutcome::kHandOver);
    if (result.outcome == NatOutcome::kHeld) ++bed.held;
    const bool is_same = std::equal(input.begin(), input.end(), bytes.get());
    if (result.outcome == NatOutcome::kUntouched || result.outcome == NatOutcome::kMalformed) {
        CHECK(is_same);
    }
    take_fragments(bed);
}

// The same with version, lengths, and addresses that somebody has.
std::vector<std::uint8_t> sound(std::span<const std::uint8_t> input, NatDirection direction) {
    std::vector<std::uint8_t> packet(input.begin(), input.end());
    packet.resize(std::max<std::size_t>(packet.size(), sizeof(Ipv4Header)));
    auto& header = *reinterpret_cast<Ipv4Header*>(packet.data());
    header.version_ihl = 0x45;
    header.total_length = Be16(static_cast<std::uint16_t>(packet.size()));
    constexpr std::array<std::uint8_t, 4> kProtocols{1, 6, 17, 17};
    header.protocol = kProtocols[header.protocol % 4];
    const std::uint32_t low = header.source.host() % 3;
    if (direction == NatDirection::kOutbound) {
        header.source = Be32(low == 0 ? 0x0a0000feU : 0x0a000000U + low);
    } else {
        header.destination = Be32(low == 0 ? 0xc63364feU : test::kPublic.value());
    }
    return packet;
}

void end(Bed& bed) {
    bed.now += kLongest;
    while (bed.translator->sessions().is_behind(bed.now)) {
        (void)bed.translator->expire(bed.now, 16);
        take_fragments(bed);
    }
    CHECK(bed.translator->sessions().size() == 0);
    CHECK(bed.held == 0);
    CHECK(bed.mapping.space->usage(test::kPool).blocks_lent == 0);
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    static std::unique_ptr<Bed> beds;
    if (beds == nullptr || beds->now > 1U << 31) beds = std::make_unique<Bed>();
    Bed& bed = *beds;
    std::span<const std::uint8_t> rest(data, std::min<std::size_t>(size, 8'192));
    while (rest.size() > 2) {
        const auto direction = rest[0] % 2 == 0 ? NatDirection::kOutbound : NatDirection::kInbound;
        const std::size_t bytes = std::min<std::size_t>(rest[1], rest.size() - 2);
        const auto packet = rest.subspan(2, bytes);
        give(bed, direction, packet);
        give(bed, direction, sound(packet, direction));
        rest = rest.subspan(2 + bytes);
    }
    end(bed);
    return 0;
}
