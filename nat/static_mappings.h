// SPDX-License-Identifier: Apache-2.0
//
// StaticMappings: what an operator publishes: an inside address under a public one of its own, or
// an inside endpoint under a public one. They have no state and no timers: any worker translates
// either direction by them.
//
// Thread safety: immutable; the control thread makes a new one and publishes it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "nat/flow.h"

namespace causeway {

struct StaticMapping {
    NatPoolId pool;
    std::optional<NatProtocol> protocol;  // nothing: all of the address, ports as they are
    Endpoint inside;
    Endpoint outside;
};

class StaticMappings {
  public:
    struct Inside {
        NatPoolId pool;
        Endpoint endpoint;
    };

    StaticMappings() = default;
    // No two may have the same inside or the same outside.
    [[nodiscard]] static Result<StaticMappings> create(std::span<const StaticMapping> mappings);

    [[nodiscard]] std::optional<Endpoint> outside_of(NatPoolId pool, NatProtocol protocol,
                                                     Endpoint inside) const noexcept;
    [[nodiscard]] std::optional<Inside> inside_of(NatProtocol protocol,
                                                  Endpoint outside) const noexcept;
    // Whether any mapping has the public address.
    [[nodiscard]] bool has(Ipv4Address outside) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return mappings_.size(); }

  private:
    struct Slot {
        std::uint64_t key = 0;  // zero: free
        std::uint32_t mapping = 0;
    };
    [[nodiscard]] const StaticMapping* find(std::uint64_t key) const noexcept;
    [[nodiscard]] bool add(std::uint64_t key, std::uint32_t mapping);

    std::vector<StaticMapping> mappings_;
    std::vector<Slot> slots_;  // open addressing, at most half full
};

}  // namespace causeway
