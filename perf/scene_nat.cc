// SPDX-License-Identifier: Apache-2.0
#include "perf/scene_nat.h"

#include <utility>

#include "base/check.h"
#include "dataplane/nat_tables.h"
#include "nat/settings.h"
#include "perf/prebuilt_packets.h"

namespace causeway::perf {
namespace {

constexpr NatPoolId kPool(1);
// 2^16 hosts with a block each take 66 addresses of these, of the network that RFC 2544 C.2.2 sets
// aside for the other side of a test.
constexpr Ipv4Address kPublic{0xc613'0000U};  // 198.19.0.0
constexpr std::uint32_t kPublicCount = 128;
constexpr NatSeconds kLifetime = 60;
constexpr NatPoolSettings kSettings{.timers = {.udp = kLifetime}, .block_ports = 64};

}  // namespace

SceneNat::SceneNat(const Scene& scene) : scene_(scene) {
    CHECK(scene.workers == 1);
    // Twice, so that a hash table is no fuller than an operator would have it.
    NatEngineOptions options{.sessions_max = static_cast<std::uint32_t>(2 * scene.sessions)};
    options.mappings.mappings_max = 2 * scene.sessions;
    engine_ = std::move(NatEngine::create(options).value());
    PortSpace& space = engine_->space();
    CHECK(space.add_pool(kPool, kSettings).has_value());
    for (std::uint32_t i = 0; i < kPublicCount; ++i) {
        CHECK(space.add_address(kPool, Ipv4Address(kPublic.value() + i)).has_value());
    }
}

void SceneNat::enter(test::TestBed& bed, VrfId vrf, std::span<const AttachmentId> insides) {
    NatTables tables;
    tables.outside = vrf;
    tables.publics = PublicAddresses({{Ipv4Prefix::of(kPublic, 25), kPool, vrf}});
    const Ipv4Prefix sources = Ipv4Prefix::of(kSourceNetwork, 16);
    tables.add_inside({.pool = kPool,
                       .sources = SourceSet<Ipv4Address>(std::span(&sources, 1)),
                       .exceptions = {}},
                      insides);
    bed.set_nat(*engine_, std::move(tables));
}

void SceneNat::passed(std::size_t packets) {
    if (!scene_.new_flows) return;
    packets_ += packets;
    engine_->tick(static_cast<NatSeconds>(1 + packets_ * kLifetime / scene_.sessions));
}

}  // namespace causeway::perf
