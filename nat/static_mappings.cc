// SPDX-License-Identifier: Apache-2.0
#include "nat/static_mappings.h"

#include <bit>

#include "nat/keyed_hash.h"

namespace causeway {
namespace {

constexpr std::uint64_t kWholeAddress = 3;  // in the place of a protocol

// outside? 63 | pool 62..50 | protocol 49..48 | port 47..32 | address 31..0; never zero, because
// nothing that can be mapped has address zero.
std::uint64_t key_of(std::uint64_t pool, std::uint64_t protocol, Endpoint endpoint) noexcept {
    return pool << 50 | protocol << 48 | std::uint64_t{endpoint.port} << 32 |
           endpoint.address.value();
}
static_assert(kNatPoolsMax <= 1U << 13);

std::uint64_t inside_key(NatPoolId pool, std::uint64_t protocol, Endpoint inside) noexcept {
    return key_of(pool.value(), protocol, inside);
}
std::uint64_t outside_key(std::uint64_t protocol, Endpoint outside) noexcept {
    return std::uint64_t{1} << 63 | key_of(0, protocol, outside);
}
std::uint64_t address_key(Ipv4Address outside) noexcept {
    return std::uint64_t{1} << 63 | key_of(1, 0, {outside, 0});
}
std::uint64_t number(NatProtocol protocol) noexcept {
    return static_cast<std::uint64_t>(protocol);
}

}  // namespace

Result<StaticMappings> StaticMappings::create(std::span<const StaticMapping> mappings) {
    StaticMappings made;
    made.mappings_.assign(mappings.begin(), mappings.end());
    made.slots_.resize(std::bit_ceil(mappings.size() * 6 + 1));
    for (std::uint32_t i = 0; i < mappings.size(); ++i) {
        StaticMapping& mapping = made.mappings_[i];
        if (mapping.pool.value() >= kNatPoolsMax || mapping.inside.address.value() == 0 ||
            mapping.outside.address.value() == 0) {
            return Unexpected(ErrorCode::kInvalid, "a static mapping names two addresses");
        }
        if (!mapping.protocol) mapping.inside.port = mapping.outside.port = 0;
        const std::uint64_t protocol = mapping.protocol ? number(*mapping.protocol) : kWholeAddress;
        (void)made.add(address_key(mapping.outside.address), i);
        if (!made.add(inside_key(mapping.pool, protocol, mapping.inside), i) ||
            !made.add(outside_key(protocol, mapping.outside), i)) {
            return Unexpected(ErrorCode::kExists, "another static mapping has the same endpoint");
        }
    }
    return made;
}

bool StaticMappings::add(std::uint64_t key, std::uint32_t mapping) {
    if (find(key) != nullptr) return false;
    std::size_t at = keyed_hash(key, 0, {}) & (slots_.size() - 1);
    while (slots_[at].key != 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {key, mapping};
    return true;
}

const StaticMapping* StaticMappings::find(std::uint64_t key) const noexcept {
    if (slots_.empty()) return nullptr;
    std::size_t at = keyed_hash(key, 0, {}) & (slots_.size() - 1);
    for (; slots_[at].key != 0; at = (at + 1) & (slots_.size() - 1)) {
        if (slots_[at].key == key) return &mappings_[slots_[at].mapping];
    }
    return nullptr;
}

std::optional<Endpoint> StaticMappings::outside_of(NatPoolId pool, NatProtocol protocol,
                                                   Endpoint inside) const noexcept {
    if (slots_.empty()) return std::nullopt;
    if (const auto* port = find(inside_key(pool, number(protocol), inside))) return port->outside;
    const auto* whole = find(inside_key(pool, kWholeAddress, {inside.address, 0}));
    if (whole == nullptr) return std::nullopt;
    return Endpoint{whole->outside.address, inside.port};
}

std::optional<StaticMappings::Inside> StaticMappings::inside_of(NatProtocol protocol,
                                                                Endpoint outside) const noexcept {
    if (slots_.empty()) return std::nullopt;
    if (const auto* port = find(outside_key(number(protocol), outside))) {
        return Inside{port->pool, port->inside};
    }
    const auto* whole = find(outside_key(kWholeAddress, {outside.address, 0}));
    if (whole == nullptr) return std::nullopt;
    return Inside{whole->pool, {whole->inside.address, outside.port}};
}

bool StaticMappings::has(Ipv4Address outside) const noexcept {
    return find(address_key(outside)) != nullptr;
}

}  // namespace causeway
