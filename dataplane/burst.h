// SPDX-License-Identifier: Apache-2.0
//
// Burst: the packets that one turn of a worker took from one port, and what each stage learned of
// them.
//
//   mbufs_  [ walking ... | free ]        meta_  [ walking ... | free ]
//   left_   [ (mbuf, meta) of those that have an Exit ... ]
//
// The walking packets are dense: when some leave, the others close ranks in order. So a stage's
// loop runs over 0 .. size without an index table, which is what lets the compiler and the core run
// ahead.
#pragma once

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/headers.h"
#include "base/limits.h"
#include "base/types.h"
#include "base/unroll.h"
#include "dataplane/acl_log.h"
#include "dataplane/counters.h"
#include "dataplane/exit.h"
#include "dataplane/policy.h"
#include "dataplane/tally.h"
#include "fib/adjacency.h"

namespace causeway {

// What the stages know of one packet. Half a cache line.
struct PacketMeta {
    std::uint8_t* frame;         // first byte; after FindAttachment, the network header
    const Adjacency* adjacency;  // from FindRoute on
    union {
        std::uint16_t outer_tag;  // from ParseEthernet to FindAttachment
        std::uint16_t steered;    // from Filter on, where the burst kSteers: a group, or 0
    };
    std::uint16_t inner_tag;  // 0: single-tagged
    AttachmentId attachment;  // the port's own row until FindAttachment
    VrfId vrf;
    std::uint16_t frame_bytes;   // with tags, without FCS
    std::uint16_t packet_bytes;  // of layer 3; from CheckIpv4 or CheckIpv6 on
    std::uint8_t header_bytes;   // of layer 2
    bool is_usual;               // from ParseEthernet to CheckIpv4: see FramePattern
    Exit exit;
    std::uint8_t unused;  // so that whoever copies one copies 32 bytes, in no parts that overlap

    [[nodiscard]] Ipv4Header& ipv4() const noexcept {
        return *reinterpret_cast<Ipv4Header*>(frame);
    }
    [[nodiscard]] Ipv6Header& ipv6() const noexcept {
        return *reinterpret_cast<Ipv6Header*>(frame);
    }
};
static_assert(sizeof(PacketMeta) == 32, "two packets a cache line");
static_assert(std::is_trivially_copyable_v<PacketMeta>);
static_assert(std::has_unique_object_representations_v<PacketMeta>, "no byte is padding");

// A packet that has left the walk: its Exit is in meta.exit.
struct LeftPacket {
    rte_mbuf* mbuf;
    PacketMeta meta;
};

// A value for each packet of a burst. They are unset until they are written: to clear 64 keys costs
// as much as to look 32 of them up.
template <class T>
requires std::is_trivially_copyable_v<T>
class Column {
  public:
    Column() noexcept {}
    [[nodiscard]] T& operator[](std::size_t k) noexcept { return values_[k]; }
    [[nodiscard]] const T& operator[](std::size_t k) const noexcept { return values_[k]; }
    [[nodiscard]] std::span<T> first(std::size_t count) noexcept { return {values_.data(), count}; }

  private:
    union {
        std::array<T, kBurstSizeMax> values_;
    };
};

class NatWorker;
struct NameWorker;
struct Tables;

class Burst {
  public:
    // Without a NatWorker nothing is translated.
    Burst(Counters& counters, AclLog& log, NatWorker* nat = nullptr) noexcept
        : counters_(counters), log_(log), nat_(nat) {}
    Burst(const Burst&) = delete;
    Burst& operator=(const Burst&) = delete;

    // Where a device or a test puts the next packets; then start() with how many there are, which
    // counts them as received on the port.
    [[nodiscard]] std::span<rte_mbuf*, kBurstSizeMax> room() noexcept { return mbufs_; }
    void start(PortId port, std::size_t count) noexcept {
        DCHECK(count <= kBurstSizeMax);
        port_ = port;
        walking_ = static_cast<unsigned>(count);
        left_count_ = 0;
        policy_ = PolicyBits();
        ports_out_ = 0;
        std::uint64_t bytes = 0;
        for (unsigned k = 0; k < walking_; ++k) {
            const rte_mbuf& mbuf = *mbufs_[k];
            PacketMeta& meta = meta_[k];
            meta.frame = rte_pktmbuf_mtod(&mbuf, std::uint8_t*);
            rte_prefetch0(meta.frame);
            meta.attachment = AttachmentId(port.value());
            meta.frame_bytes = mbuf.data_len;
            bytes += mbuf.data_len;
        }
        TrafficCounters& traffic = counters_.traffic(AttachmentId(port.value()));
        traffic.rx_packets.add(count);
        traffic.rx_bytes.add(bytes);
    }

    // Of packets that have walked up to Translate already, as their notes say (dataplane/punt.h);
    // all from one port. They are not counted again.
    void resume(std::size_t count, const Tables& tables) noexcept;

    // Takes over those who left `other` by `exit`; here they walk on, in their order. REQUIRES:
    // none walks here.
    void take(Burst& other, Exit exit) noexcept;

    [[nodiscard]] PortId port() const noexcept { return port_; }
    [[nodiscard]] unsigned size() const noexcept { return walking_; }
    [[nodiscard]] Counters& counters() noexcept { return counters_; }
    [[nodiscard]] AclLog& log() noexcept { return log_; }
    [[nodiscard]] NatWorker* nat() noexcept { return nat_; }
    // Of the worker that has policies of names; null where it has none.
    [[nodiscard]] NameWorker* names() noexcept { return names_; }
    void set_names(NameWorker* names) noexcept { names_ = names; }
    // For FindAttachment to note who sent how much; count_received() counts it. After the walk.
    [[nodiscard]] Tally& received() noexcept { return received_; }
    void count_received() noexcept {
        received_.settle(
            [this](AttachmentId row, std::uint64_t packets, std::uint64_t bytes) noexcept {
                counters_.count_rx(row, packets, bytes);
            });
    }
    // What at least one of the packets needs, of those that walk or have walked.
    [[nodiscard]] PolicyBits policy() const noexcept { return policy_; }
    void note(PolicyBits bits) noexcept { policy_ |= bits; }
    // Bit p: one of the packets leaves by port p, or would have. From RewriteEthernet on.
    [[nodiscard]] std::uint32_t ports_out() const noexcept { return ports_out_; }
    void note_ports_out(std::uint32_t ports) noexcept { ports_out_ |= ports; }
    [[nodiscard]] std::span<PacketMeta> walking() noexcept { return {meta_.data(), walking_}; }
    [[nodiscard]] std::span<rte_mbuf*> mbufs() noexcept { return {mbufs_.data(), walking_}; }
    [[nodiscard]] std::span<LeftPacket> left() noexcept { return {left_.data(), left_count_}; }

    // keys[k] = key(meta of the k-th walking packet). Keys: a Column, or an array of pointers.
    template <class Keys, class Make>
    requires std::is_nothrow_invocable_v<Make, const PacketMeta&>
    void gather(Keys& keys, Make&& key) const noexcept {
        const unsigned count = walking_;
        CAUSEWAY_UNROLL(4)
        for (unsigned k = 0; k < count; ++k) keys[k] = key(meta_[k]);
    }

    // Asks verdict(meta, mbuf) of each walking packet; those given an Exit stop walking. Whoever
    // gives one knows it by a branch already, so to pass costs nothing more.
    template <class Verdict>
    requires std::is_nothrow_invocable_r_v<Exit, Verdict, PacketMeta&, rte_mbuf&>
    void filter(Verdict&& verdict) noexcept {
        std::array<Exit, kBurstSizeMax> exits{};
        bool any = false;
        const unsigned count = walking_;
        for (unsigned k = 0; k < count; ++k) {
            const Exit exit = verdict(meta_[k], *mbufs_[k]);
            if (exit == Exit::kNone) [[likely]]
                continue;
            exits[k] = exit;
            any = true;
        }
        if (any) part(exits);
    }

    // Asks verdict(meta, values[k]) of the k-th walking packet, likewise; no branch depends on what
    // a table says of one packet or another.
    template <class Values, class Verdict>
    requires std::is_nothrow_invocable_r_v<Exit, Verdict, PacketMeta&,
                                           decltype(std::declval<const Values&>()[0])>
    void filter(const Values& values, Verdict&& verdict) noexcept {
        std::array<Exit, kBurstSizeMax> exits;
        unsigned any = 0;
        const unsigned count = walking_;
        for (unsigned k = 0; k < count; ++k) {
            exits[k] = verdict(meta_[k], values[k]);
            any |= static_cast<unsigned>(exits[k]);
        }
        if (any != 0) part(exits);
    }

  private:
    // Moves those with an Exit to left_; the others close ranks in order.
    void part(const std::array<Exit, kBurstSizeMax>& exits) noexcept;

    static_assert(kPortsMax <= 32, "ports_out_ has one bit a port");

    std::array<rte_mbuf*, kBurstSizeMax> mbufs_;
    std::array<PacketMeta, kBurstSizeMax> meta_;
    std::array<LeftPacket, kBurstSizeMax> left_;
    Tally received_;
    unsigned walking_ = 0;
    unsigned left_count_ = 0;
    PortId port_;
    PolicyBits policy_;
    std::uint32_t ports_out_ = 0;
    Counters& counters_;
    AclLog& log_;
    NatWorker* nat_;
    NameWorker* names_ = nullptr;
};

}  // namespace causeway
