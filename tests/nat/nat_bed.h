// SPDX-License-Identifier: Apache-2.0
//
// What tests of the NAT begin with: the receive hash of our ports, pools, and addresses.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "nat/mapping_table.h"
#include "nat/port_space.h"
#include "nat/steering.h"

namespace causeway::test {

// As dataplane/port.cc has it.
inline constexpr std::array<std::uint8_t, 52> kRssKey = [] {
    std::array<std::uint8_t, 52> key{};
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = i % 2 == 0 ? 0x6d : 0x5a;
    return key;
}();

// An indirection table in which the workers take turns.
inline std::vector<WorkerId> turns(std::size_t entries, std::size_t workers) {
    std::vector<WorkerId> table;
    for (std::size_t i = 0; i < entries; ++i) {
        table.emplace_back(static_cast<std::uint8_t>(i % workers));
    }
    return table;
}

inline constexpr NatPoolId kPool{3};
inline constexpr Ipv4Address kPublic{0xc6336401};  // 198.51.100.1

struct MappingBed {
    explicit MappingBed(const NatPoolSettings& settings, std::size_t workers = 2,
                        const MappingTable::Options& options = {})
        : steering(Steering::toeplitz(kRssKey, turns(128, workers)).value()),
          space(std::move(PortSpace::create().value())),
          mappings(std::move(MappingTable::create(*space, steering, options).value())) {
        CHECK(space->add_pool(kPool, settings).has_value());
        CHECK(space->add_address(kPool, kPublic).has_value());
    }

    Steering steering;
    std::unique_ptr<PortSpace> space;
    std::unique_ptr<MappingTable> mappings;
};

}  // namespace causeway::test
