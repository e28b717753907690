// SPDX-License-Identifier: Apache-2.0
//
// Every maximum of the program, in one place. A table, ring or queue that is full refuses with an
// error or a counter; none of them grows behind a worker's back.
#pragma once

#include <cstddef>
#include <cstdint>

namespace causeway {

inline constexpr std::size_t kCacheLine = 64;

// Packets taken from a device queue at once, at most; also the width of Burst's arrays.
inline constexpr std::size_t kBurstSizeMax = 64;

inline constexpr std::size_t kPortsMax = 16;
inline constexpr std::size_t kWorkersMax = 32;

// Attachment ids below kPortsMax stand for the ports themselves: a frame that no attachment claims
// is accounted on its port's own row.
inline constexpr std::size_t kAttachmentsMax = 40'000;
inline constexpr std::size_t kCircuitsMax = 8'192;
inline constexpr std::size_t kVrfsMax = 8'192;

// Next-hop groups are the value of a route: 15 bits, because bit 15 of a FIB entry marks a block.
inline constexpr std::size_t kGroupsMax = 1U << 15;
inline constexpr std::size_t kGroupMembersMax = 64;
inline constexpr std::size_t kBucketsMax = 1U << 20;
inline constexpr std::size_t kAdjacenciesMax = 1U << 16;
inline constexpr std::size_t kGroupBucketsMin = 64;
inline constexpr std::size_t kGroupBucketsMax = 4'096;
inline constexpr std::uint32_t kGroupWeightMax = 256;
inline constexpr std::size_t kNextHopsMax = 1U << 16;

// Routes of all sources; and what their compiled form may take: blocks of 256 entries for the /24s
// that have longer prefixes (15 bits of an entry), and resident bytes of first levels.
inline constexpr std::size_t kRoutesMax = 8'000'000;
inline constexpr std::size_t kRoutesPerVrfMax = 2'000'000;
inline constexpr std::size_t kFibBlocksMax = 1U << 15;
inline constexpr std::size_t kFibLevel1BytesMax = std::size_t{2} << 30;
inline constexpr std::size_t kFib6BytesMax = std::size_t{1} << 30;  // of IPv6, all in all

// Access lists: rules and, once sets and alternatives are multiplied out, entries of one family in
// one list; lists; and rules that count, of all lists together.
inline constexpr std::size_t kAclRulesMax = 10'000;
inline constexpr std::size_t kAclEntriesMax = 65'536;
inline constexpr std::size_t kAclsMax = 1'024;
inline constexpr std::size_t kAclCountersMax = 1U << 20;
inline constexpr std::size_t kAclLogSize = 1'024;  // records of one worker that wait

// Names: sets; the names and patterns of all sets together, those with a "*" inside and expressions
// over payloads among them; and the characters of such an expression.
inline constexpr std::size_t kNameSetsMax = 31;
inline constexpr std::size_t kNamesMax = 400'000;
inline constexpr std::size_t kNamePatternsMax = 10'000;
inline constexpr std::size_t kPayloadPatternsMax = 1'000;
inline constexpr std::size_t kPayloadPatternBytesMax = 512;
inline constexpr std::size_t kLearnedAddressesMax = 1U << 20;  // of both families, out of the DNS

// Slow path: packets of one worker that wait for the control thread, and back.
inline constexpr std::size_t kPuntRingSize = 4'096;
inline constexpr std::size_t kInjectRingSize = 4'096;

// BFD: sessions, and frames of one worker that wait for their thread, and back.
inline constexpr std::size_t kBfdSessionsMax = 16'384;
inline constexpr std::size_t kBfdPostSize = 1'024;

// Packets of one queue that wait for a worker other than the one that received them.
inline constexpr std::size_t kHandoverRingSize = 4'096;

// NAT: sessions of one worker that wait to be ended at an operator's word; packets of one worker
// that go on after they have waited for the first fragment of their datagram, or for this worker.
inline constexpr std::size_t kNatClearRingSize = 4'096;
inline constexpr std::size_t kNatResumedMax = 4'096;

// Packets that wait for a neighbour to answer: of one neighbour, and of all together.
inline constexpr std::size_t kPendingPerNeighbour = 8;
inline constexpr std::size_t kPendingTotal = 4'096;

// A configuration document. The largest that the above allow (8,192 circuits of two peerings, a
// million lines) stays well below; what exceeds these is no configuration but an attack or an
// accident.
inline constexpr std::size_t kConfigBytesMax = std::size_t{64} << 20;
inline constexpr std::size_t kConfigNodesMax = 4'000'000;
inline constexpr std::size_t kConfigDepthMax = 16;
inline constexpr std::size_t kConfigErrorsMax = 1'000;  // listed; the rest is counted

// RTE_MAX_LCORE as Debian builds DPDK: cores are 0 to 127.
inline constexpr unsigned kCoresMax = 128;

// Control socket. Connections of everybody, and how many of them only admins may take; a message of
// an admin (a batch of routes) and of a reader; what all unfinished messages and all unread answers
// may hold together.
inline constexpr std::size_t kApiConnectionsMax = 1'024;
inline constexpr std::size_t kApiAdminReserve = 64;
inline constexpr std::size_t kApiAdminMessageBytesMax = std::size_t{64} << 20;
inline constexpr std::size_t kApiReaderMessageBytesMax = std::size_t{64} << 10;
inline constexpr std::size_t kApiInputBytesMax = std::size_t{256} << 20;
inline constexpr std::size_t kApiOutputBytesMax = std::size_t{64} << 20;

static_assert(kPortsMax < kAttachmentsMax && kAttachmentsMax <= 65'535);
static_assert(kBurstSizeMax <= 64, "Burst keeps one bit a packet in 64-bit words");
static_assert((kPuntRingSize & (kPuntRingSize - 1)) == 0, "rte_ring wants a power of two");
static_assert((kHandoverRingSize & (kHandoverRingSize - 1)) == 0, "rte_ring wants a power of two");
static_assert((kNatClearRingSize & (kNatClearRingSize - 1)) == 0, "rte_ring wants a power of two");
static_assert((kInjectRingSize & (kInjectRingSize - 1)) == 0, "rte_ring wants a power of two");
static_assert(kApiAdminReserve < kApiConnectionsMax);
static_assert(kApiInputBytesMax >
              kApiAdminMessageBytesMax + kApiConnectionsMax * kApiReaderMessageBytesMax);

}  // namespace causeway
