// SPDX-License-Identifier: Apache-2.0
//
// Steering: which worker a device gives a packet to, and by which ports a NAT keeps both directions
// of a flow with one worker.
//
// A device hashes addresses and ports by Toeplitz, takes the low bits as an index, and an
// indirection table names the worker. Toeplitz is linear over GF(2): the index is the XOR of what
// each address and each port contributes. With a symmetric key (sixteen bits over and over) it does
// not matter on which side a port stands. So
//
//     index(inside, remote)  = c(inside)  ^ c(remote)
//     index(outside, remote) = c(outside) ^ c(remote)
//
// and both reach one worker, whoever the remote is, if c(inside) and c(outside) differ only by what
// makes no difference anywhere in the indirection table. Those differences are a linear space; what
// of c() remains outside it is the endpoint's *kind*. Equal kinds, same worker. For two workers
// that take turns in the table there are two kinds, for one worker there is one.
//
// ICMP and fragments are hashed by addresses alone.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "nat/flow.h"

namespace causeway {

class Steering {
  public:
    static constexpr unsigned kIndexBitsMax = 9;  // 512 entries, the largest table in use

    // `workers` is the indirection table; a power of two of entries, at most 512. The key has at
    // least 16 bytes and must be symmetric.
    [[nodiscard]] static Result<Steering> toeplitz(std::span<const std::uint8_t> key,
                                                   std::span<const WorkerId> workers);
    // All packets to one worker.
    [[nodiscard]] static Steering to(WorkerId worker);

    [[nodiscard]] WorkerId worker_of(NatProtocol protocol, Endpoint own,
                                     Endpoint remote) const noexcept {
        if (workers_.size() == 1) return workers_.front();
        std::uint32_t index = contribution(own.address) ^ contribution(remote.address);
        if (protocol != NatProtocol::kIcmp) index ^= contribution(own.port ^ remote.port);
        return workers_[index];
    }
    [[nodiscard]] std::uint32_t kind_of(Ipv4Address address) const noexcept {
        return kinds_[contribution(address)];
    }
    [[nodiscard]] std::uint32_t kind_of(Endpoint endpoint) const noexcept {
        return kinds_[contribution(endpoint.address) ^ contribution(endpoint.port)];
    }
    // Of the 64 ports from `first` on, a multiple of 64, those that make an endpoint at the address
    // of this kind; bit i is port first + i.
    [[nodiscard]] std::uint64_t ports_of_kind(std::uint32_t kind, Ipv4Address address,
                                              std::uint16_t first) const noexcept {
        return ports_[kind ^ kind_of(Endpoint{address, first})];
    }
    [[nodiscard]] std::size_t kinds() const noexcept { return kind_count_; }

  private:
    Steering() = default;
    void find_kinds();

    [[nodiscard]] std::uint32_t contribution(Ipv4Address address) const noexcept {
        const std::uint32_t value = address.value();
        return std::uint32_t{address_[0][value >> 24]} ^ address_[1][value >> 16 & 0xffU] ^
               address_[2][value >> 8 & 0xffU] ^ address_[3][value & 0xffU];
    }
    [[nodiscard]] std::uint32_t contribution(unsigned port) const noexcept {
        return std::uint32_t{port_[0][port >> 8]} ^ port_[1][port & 0xffU];
    }

    using Bytes = std::array<std::uint16_t, 256>;  // contribution of each value of a byte
    std::array<Bytes, 4> address_{};
    std::array<Bytes, 2> port_{};
    std::vector<WorkerId> workers_;     // by index
    std::vector<std::uint16_t> kinds_;  // by index
    std::vector<std::uint64_t> ports_;  // by kind: ports 0 to 63 whose kind it is
    std::size_t kind_count_ = 1;
};

}  // namespace causeway
