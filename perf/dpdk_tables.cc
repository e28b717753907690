// SPDX-License-Identifier: Apache-2.0
#include "perf/dpdk_tables.h"

#include <rte_malloc.h>

#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/endian.h"
#include "base/mapping.h"

namespace causeway::perf {
namespace {

constexpr const char* kHeap = "route_tables";
constexpr std::size_t kHeapBytes = std::size_t{3} << 30;  // two full tables with their RIBs
constexpr std::uint32_t kTbl8Groups = 32'767;             // the most that 2-byte entries can name
// Less than 40,000 are in use by then; but it sets some aside for each route that no shorter one
// covers, and refuses a full table of 168,000 with 131,072.
constexpr std::uint32_t kTbl8Groups6 = 262'144;

// A heap of DPDK's in our memory, so that its tables need neither reserved huge pages nor suffer
// small ones. Returns its "socket".
int heap_socket() {
    static const Mapping memory = std::move(Mapping::allocate(kHeapBytes, PageSize::kHuge).value());
    static const int socket = [] {
        static const Eal eal = std::move(Eal::start({.control_core = 0,
                                                     .worker_cores = {0},
                                                     .pages = Pages::kNormal,
                                                     .memory_mib = 64,
                                                     .extra_args = {}})
                                             .value());
        CHECK(rte_malloc_heap_create(kHeap) == 0);
        CHECK(rte_malloc_heap_memory_add(kHeap, memory.data(), memory.size(), nullptr, 0,
                                         kHugePageBytes) == 0);
        return rte_malloc_heap_get_socket(kHeap);
    }();
    return socket;
}

std::string unique_name() {
    static int count = 0;
    return "table" + std::to_string(count++);
}

}  // namespace

double dpdk_tables_mib() {
    rte_malloc_socket_stats stats{};
    CHECK(rte_malloc_get_socket_stats(heap_socket(), &stats) == 0);
    return static_cast<double>(stats.heap_allocsz_bytes) / (1 << 20);
}

RteFib::RteFib(std::span<const TableRoute> routes, Entry entry) {
    rte_fib_conf conf{};
    conf.type = RTE_FIB_DIR24_8;
    conf.max_routes = static_cast<int>(routes.size() + routes.size() / 8);
    conf.dir24_8.nh_sz = entry == Entry::kTwoBytes ? RTE_FIB_DIR24_8_2B : RTE_FIB_DIR24_8_4B;
    conf.dir24_8.num_tbl8 = kTbl8Groups;
    const int socket = heap_socket();
    fib_.reset(rte_fib_create(unique_name().c_str(), socket, &conf));
    CHECK(fib_ != nullptr);
    // Fails where the processor has no AVX-512: then the best scalar one stays.
    (void)rte_fib_select_lookup(fib_.get(), RTE_FIB_LOOKUP_DIR24_8_VECTOR_AVX512);
    for (const TableRoute& route : routes) add(route.prefix, route.next_hop + 1);
}

void RteFib::add(Ipv4Prefix prefix, std::uint64_t next_hop) {
    CHECK(rte_fib_add(fib_.get(), prefix.address().value(),
                      static_cast<std::uint8_t>(prefix.length()), next_hop) == 0);
}

void RteFib::remove(Ipv4Prefix prefix) {
    CHECK(rte_fib_delete(fib_.get(), prefix.address().value(),
                         static_cast<std::uint8_t>(prefix.length())) == 0);
}

RteLpm::RteLpm(std::span<const TableRoute> routes) {
    const rte_lpm_config config{.max_rules = static_cast<std::uint32_t>(routes.size()),
                                .number_tbl8s = kTbl8Groups,
                                .flags = 0};
    const int socket = heap_socket();
    lpm_.reset(rte_lpm_create(unique_name().c_str(), socket, &config));
    CHECK(lpm_ != nullptr);
    for (const TableRoute& route : routes) {
        CHECK(rte_lpm_add(lpm_.get(), route.prefix.address().value(),
                          static_cast<std::uint8_t>(route.prefix.length()),
                          route.next_hop + 1) == 0);
    }
}

WireAddress6 to_wire(Ipv6Address address) noexcept {
    const Be<std::uint64_t> high(address.high());
    const Be<std::uint64_t> low(address.low());
    WireAddress6 wire;
    std::memcpy(wire.data(), &high, sizeof(high));
    std::memcpy(wire.data() + sizeof(high), &low, sizeof(low));
    return wire;
}

RteFib6::RteFib6(std::span<const TableRoute6> routes) {
    rte_fib6_conf conf{};
    conf.type = RTE_FIB6_TRIE;
    conf.max_routes = static_cast<int>(routes.size() + routes.size() / 8);
    conf.trie.nh_sz = RTE_FIB6_TRIE_4B;
    conf.trie.num_tbl8 = kTbl8Groups6;
    const int socket = heap_socket();
    const double before = dpdk_tables_mib();
    fib_.reset(rte_fib6_create(unique_name().c_str(), socket, &conf));
    CHECK(fib_ != nullptr);
    (void)rte_fib6_select_lookup(fib_.get(), RTE_FIB6_LOOKUP_TRIE_VECTOR_AVX512);
    for (const TableRoute6& route : routes) add(route.prefix, route.next_hop + 1);
    mib_ = dpdk_tables_mib() - before;
}

void RteFib6::add(Ipv6Prefix prefix, std::uint64_t next_hop) {
    CHECK(rte_fib6_add(fib_.get(), to_wire(prefix.address()).data(),
                       static_cast<std::uint8_t>(prefix.length()), next_hop) == 0);
}

void RteFib6::remove(Ipv6Prefix prefix) {
    CHECK(rte_fib6_delete(fib_.get(), to_wire(prefix.address()).data(),
                          static_cast<std::uint8_t>(prefix.length())) == 0);
}

}  // namespace causeway::perf
