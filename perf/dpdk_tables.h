// SPDX-License-Identifier: Apache-2.0
//
// DPDK's own route tables, to measure ours against: with AVX-512 allowed and all their memory on
// 2 MiB pages, as ours has it.
#pragma once

#include <rte_fib.h>
#include <rte_fib6.h>
#include <rte_lpm.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/dpdk.h"
#include "perf/route_table.h"

namespace causeway::perf {

// What these tables hold of their heap, in MiB. The heap is resident as a whole.
[[nodiscard]] double dpdk_tables_mib();

// rte_fib, DIR24_8.
class RteFib {
  public:
    enum class Entry { kTwoBytes, kFourBytes };

    RteFib(std::span<const TableRoute> routes, Entry entry);
    void lookup(std::span<const std::uint32_t> ips, std::span<std::uint64_t> next_hops) const {
        rte_fib_lookup_bulk(fib_.get(), const_cast<std::uint32_t*>(ips.data()), next_hops.data(),
                            static_cast<int>(ips.size()));
    }
    void add(Ipv4Prefix prefix, std::uint64_t next_hop);
    void remove(Ipv4Prefix prefix);

  private:
    std::unique_ptr<rte_fib, Deleter<rte_fib_free>> fib_;
};

// rte_lpm. Loading a full table takes minutes: it looks for each route among all of its length.
class RteLpm {
  public:
    explicit RteLpm(std::span<const TableRoute> routes);
    void lookup(std::span<const std::uint32_t> ips, std::span<std::uint32_t> next_hops) const {
        rte_lpm_lookup_bulk(lpm_.get(), ips.data(), next_hops.data(),
                            static_cast<unsigned>(ips.size()));
    }

  private:
    std::unique_ptr<rte_lpm, Deleter<rte_lpm_free>> lpm_;
};

// An IPv6 address as DPDK reads it: bytes in the order of the wire.
using WireAddress6 = std::array<std::uint8_t, 16>;
[[nodiscard]] WireAddress6 to_wire(Ipv6Address address) noexcept;

// rte_fib6, TRIE, 4-byte entries: those of two bytes can name 32,767 groups of 256 entries, and a
// full table needs more.
class RteFib6 {
  public:
    explicit RteFib6(std::span<const TableRoute6> routes);
    void lookup(std::span<const WireAddress6> ips, std::span<std::uint64_t> next_hops) const {
        auto* const bytes = const_cast<WireAddress6*>(ips.data());
        rte_fib6_lookup_bulk(fib_.get(), reinterpret_cast<std::uint8_t(*)[16]>(bytes),
                             next_hops.data(), static_cast<int>(ips.size()));
    }
    void add(Ipv6Prefix prefix, std::uint64_t next_hop);
    void remove(Ipv6Prefix prefix);
    [[nodiscard]] double mib() const noexcept { return mib_; }  // of the heap, when it was filled

  private:
    double mib_ = 0;
    std::unique_ptr<rte_fib6, Deleter<rte_fib6_free>> fib_;
};

}  // namespace causeway::perf
