// SPDX-License-Identifier: Apache-2.0
//
// MappingTable: which public endpoint stands for which inside endpoint, one for all remotes (RFC
// 4787 REQ-1: endpoint-independent), for all workers. Sessions hold mappings; a mapping without
// sessions is gone, and so are a block without mappings and a host without blocks.
//
// Theory of operation
//   A flow's later packets find their session and never come here. A new session's first packet
//   does: the same inside endpoint may talk to many remotes, whose flows belong to different
//   workers, and all must get one public endpoint. So the worker claims the inside host, with all
//   of its hash (host_table.h). Under the claim it finds the mapping or makes it, in blocks that
//   only this host has. Two workers meet only where they make or end sessions of one host in the
//   same hundred nanoseconds; the second tries a bounded number of times, then refuses.
//
// Thread safety: every method by any worker at any time; those that tell of hosts, and how many
// there are, by any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/prefetch.h"
#include "base/result.h"
#include "nat/host_table.h"
#include "nat/port_space.h"
#include "nat/settings.h"
#include "nat/shared_map.h"
#include "nat/steering.h"

namespace causeway {

// Why a session is not made.
enum class NatRefusal : std::uint8_t {
    kNone,
    kBusy,           // other workers held the host's claim all the time
    kNoMapping,      // from outside: nothing has this port
    kFiltered,       // from outside: not from an address that the endpoint has sent to
    kHostsFull,      // the table of inside hosts
    kHostSessions,   // the host has as many as it may
    kHostPorts,      // the host's blocks are full, and it may have no more
    kPoolExhausted,  // the host's blocks are full, and there is no other
    kMappingsFull,   // the table of mappings, or one mapping's sessions
};
inline constexpr std::size_t kNatRefusals = 9;

class MappingTable {
  public:
    struct Options {
        std::uint32_t hosts_max = 65'536;
        std::size_t mappings_max = 1'000'000;
        std::size_t peers_max = 1'000'000;  // of mappings whose filtering depends on addresses
        HashSecret secret;
    };
    struct Inside {
        NatPoolId pool;
        NatProtocol protocol = NatProtocol::kTcp;
        Endpoint endpoint;
    };
    // A session that is wanted, and what is known of it before its host is claimed: of the steps
    // below each fills in what it finds. None is needed; nor need what was found be true any more.
    struct Wish {
        Inside inside;
        Ipv4Address remote;
        std::uint64_t random = 0;  // makes ports hard to guess (RFC 6056)
        HostBucket* home = nullptr;
        BlockRef block;  // the host's newest
        PortRef port;    // that it would get, free at the time
    };
    struct Held {
        NatRefusal refusal = NatRefusal::kNone;
        PortRef port;
        Inside inside;
        BlockRef lent;  // to the host, because its others were full
    };
    struct Released {
        bool is_done = false;  // or else the host is busy: ask again later
        BlockRef returned;     // by the host, because this was its last port in use
        NatPoolId pool;
        Ipv4Address host;
        explicit operator bool() const noexcept { return is_done; }
    };
    struct HostReading {
        NatPoolId pool;
        Ipv4Address address;
        std::uint32_t blocks = 0;
        std::uint32_t sessions = 0;
    };

    // The space and the steering must outlive the table.
    [[nodiscard]] static Result<std::unique_ptr<MappingTable>> create(PortSpace& space,
                                                                      const Steering& steering,
                                                                      const Options& options);

    // One session more for the inside endpoint's mapping, which is made if there is none.
    [[nodiscard]] Held hold(const Wish& wish) noexcept;
    [[nodiscard]] Held hold(const Inside& inside, Ipv4Address remote,
                            std::uint64_t random) noexcept {
        return hold(wish(inside, remote, random));
    }
    [[nodiscard]] Wish wish(const Inside& inside, Ipv4Address remote,
                            std::uint64_t random) const noexcept {
        return {.inside = inside,
                .remote = remote,
                .random = random,
                .home = &hosts_.home_of(key_of(inside))};
    }
    // One session more for the mapping of this public port, if the remote may come in.
    [[nodiscard]] Held hold_from_outside(PortRef port, Ipv4Address remote) noexcept;
    // Whose port it is; a hint that may be old when it is read, so hold it before use.
    [[nodiscard]] std::optional<Inside> peek(PortRef port) const noexcept;
    // One session more for the inside endpoint, whose mapping must be this one, or is made if the
    // port is free and its block is, or is the host's.
    [[nodiscard]] Held hold_at(const Inside& inside, PortRef port, Ipv4Address remote) noexcept;
    // One session less.
    [[nodiscard]] Released release(PortRef port, Ipv4Address remote) noexcept;
    // The home is that of the port's host, as prefetch_use() gives it.
    [[nodiscard]] Released release(PortRef port, Ipv4Address remote, HostBucket& home) noexcept;

    // Fetch what hold() and release() will need, in steps of loads that depend on those before; the
    // caller takes each step for a whole burst. They only look, without a claim, so what they fetch
    // may have changed by the time it is needed; then it was in vain.
    void prefetch_host(const Wish& wish) const noexcept { prefetch_line(wish.home); }
    void prefetch_mapping(Wish& wish) const noexcept;
    void prefetch_port(Wish& wish) const noexcept;
    // Of a port that is going to be released, by a session of this inside host; gives the host's
    // home, for release().
    [[nodiscard]] HostBucket& prefetch_use(PortRef port, NatPoolId pool,
                                           Ipv4Address host) const noexcept;
    void prefetch_mapping(PortRef port) const noexcept;

    // Hosts have numbers below host_numbers(), most of which are nobody's.
    [[nodiscard]] std::optional<HostReading> read_host(std::uint32_t host) const noexcept;
    [[nodiscard]] std::uint32_t host_numbers() const noexcept { return hosts_.numbers(); }
    [[nodiscard]] std::uint32_t hosts() const noexcept { return hosts_.size(); }
    [[nodiscard]] std::uint32_t hosts_max() const noexcept { return hosts_.hosts_max(); }
    [[nodiscard]] std::size_t mappings_max() const noexcept { return mappings_max_; }
    [[nodiscard]] std::size_t estimated_mappings() const noexcept {
        return mappings_.estimated_size();
    }
    [[nodiscard]] PortSpace& space() const noexcept { return space_; }
    [[nodiscard]] const Steering& steering() const noexcept { return steering_; }

  private:
    // Under the claim there is one writer, so that no locked instruction is needed.
    static void add(std::atomic<std::uint32_t>& count, int difference) noexcept {
        count.store(count.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(difference),
                    std::memory_order_relaxed);
    }
    [[nodiscard]] static BlockRef first_block(const NatHost& host) noexcept {
        return host.blocks.load(std::memory_order_relaxed);
    }

    MappingTable(PortSpace& space, const Steering& steering, const Options& options,
                 HostTable hosts, SharedMap mappings, SharedMap peers) noexcept;

    [[nodiscard]] static HostKey key_of(const Inside& inside) noexcept {
        return {inside.pool, inside.endpoint.address};
    }
    [[nodiscard]] static std::uint64_t mapping_key(std::uint32_t host, NatProtocol protocol,
                                                   std::uint16_t port) noexcept {
        return std::uint64_t{host} << 18 |
               std::uint64_t{static_cast<std::uint8_t>(protocol)} << 16 | port;
    }
    [[nodiscard]] static std::uint64_t peer_key(PortRef port, Ipv4Address remote) noexcept {
        return std::uint64_t{port.bits()} << 32 | remote.value();
    }
    // A new mapping, with its value, zero so far, which is left so where it is refused.
    void make(Held& held, std::uint32_t host, const Wish& wish, std::uint32_t& value) noexcept;
    void make_at(Held& held, std::uint32_t host, PortRef port, std::uint32_t& value) noexcept;
    [[nodiscard]] bool is_still_free(std::uint32_t host, const Wish& wish) const noexcept;
    enum class Fit : std::uint8_t { kKindAndParity, kKind, kAny };
    void enter(std::uint32_t host, const Inside& inside, PortRef port,
               std::uint32_t& value) noexcept;
    // Most hosts have one block, whose ports are the host's: then a block's own count is not kept,
    // because its line would be fetched for nothing else.
    [[nodiscard]] bool has_one_block(std::uint32_t host) const noexcept {
        return hosts_[host].block_count.load(std::memory_order_relaxed) == 1;
    }
    [[nodiscard]] std::uint32_t ports_in(std::uint32_t host, BlockRef block) const noexcept {
        return has_one_block(host) ? hosts_[host].ports : space_[block].used;
    }
    void count_port(std::uint32_t host, BlockRef block, int difference) noexcept {
        hosts_[host].ports += static_cast<std::uint32_t>(difference);
        if (!has_one_block(host)) space_[block].used += static_cast<std::uint32_t>(difference);
    }
    void add_block(std::uint32_t host, BlockRef block) noexcept;
    [[nodiscard]] PortRef choose(std::uint32_t host, const Inside& inside, Fit fit,
                                 std::uint64_t random) noexcept;
    [[nodiscard]] PortRef choose_in(BlockRef block, const Inside& inside, Fit fit,
                                    std::uint64_t random) const noexcept;
    struct Loan {
        NatRefusal refusal = NatRefusal::kNone;
        BlockRef block;
    };
    [[nodiscard]] Loan lend_block(std::uint32_t host, const Inside& inside,
                                  std::uint64_t random) noexcept;
    [[nodiscard]] PortRef choose_of_kind(std::uint32_t host, const Inside& inside,
                                         std::uint64_t random) noexcept;
    // The block that was returned with it, if any.
    BlockRef end_mapping(std::uint32_t host, PortRef port, PortUse use) noexcept;
    void return_block(std::uint32_t host, BlockRef block) noexcept;
    [[nodiscard]] NatRefusal add_session(std::uint32_t host, PortRef port, PortUse use,
                                         Ipv4Address remote) noexcept;

    PortSpace& space_;
    const Steering& steering_;
    std::size_t mappings_max_;
    HostTable hosts_;
    SharedMap mappings_;  // by host, protocol and inside port: a PortRef
    SharedMap peers_;     // by PortRef and remote address: how many sessions
};

}  // namespace causeway
