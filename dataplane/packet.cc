// SPDX-License-Identifier: Apache-2.0
#include "dataplane/packet.h"

#include <rte_ip_frag.h>

#include <array>
#include <cstring>

#include "base/checksum.h"
#include "base/headers.h"

namespace causeway {

// The smallest MTU anywhere is 576 and the largest packet 65,535, but a packet of ours is one
// buffer of at most 9,000 bytes: sixteen fragments are enough.
inline constexpr std::size_t kFragmentsMax = 20;

std::optional<Packet> Packet::make(rte_mempool* pool) noexcept {
    rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
    if (mbuf == nullptr) return std::nullopt;
    return Packet(mbuf);
}

void Packet::strip(std::size_t bytes) noexcept {
    CHECK(rte_pktmbuf_adj(mbuf_, static_cast<std::uint16_t>(bytes)) != nullptr);
}

bool Packet::prepend(std::span<const std::uint8_t> header) noexcept {
    char* front = rte_pktmbuf_prepend(mbuf_, static_cast<std::uint16_t>(header.size()));
    if (front == nullptr) return false;
    std::memcpy(front, header.data(), header.size());
    return true;
}

bool Packet::resize(std::size_t bytes) noexcept {
    if (bytes <= mbuf_->data_len) {
        return rte_pktmbuf_trim(mbuf_, static_cast<std::uint16_t>(mbuf_->data_len - bytes)) == 0;
    }
    return rte_pktmbuf_append(mbuf_, static_cast<std::uint16_t>(bytes - mbuf_->data_len)) !=
           nullptr;
}

std::vector<Packet> Packet::fragments(std::size_t mtu, rte_mempool* pool) {
    std::array<rte_mbuf*, kFragmentsMax> mbufs;
    const int count = rte_ipv4_fragment_copy_nonseg_packet(mbuf_, mbufs.data(), kFragmentsMax,
                                                           static_cast<std::uint16_t>(mtu), pool);
    std::vector<Packet> fragments;
    for (int i = 0; i < count; ++i) {
        Packet& fragment = fragments.emplace_back(mbufs[static_cast<std::size_t>(i)]);
        // The library leaves the checksum to us.
        auto& header = *reinterpret_cast<Ipv4Header*>(fragment.bytes().data());
        header.checksum = Be16();
        header.checksum =
            Be16::from_wire(checksum_of(fragment.bytes().first(header.header_bytes())));
    }
    return fragments;
}

}  // namespace causeway
