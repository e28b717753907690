// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What the XDP program and the daemon must agree on. Plain C, for both compilers.
//
// The tag bitmap has one bit a tag pair, 2 MiB in all:
//
//   23        12 11         6 5         0
//  +------------+------------+-----------+
//  | outer VID  | inner VID  | inner VID |
//  |            | high bits  | low bits  |
//  +------------+------------+-----------+
//  |<-- index of a 64-bit    |<- bit ->|
//        word: map key -->|
//
// Inner VID 0 names no customer (IEEE 802.1Q table 9-2), so its bit stands for "no inner tag".
//
// BFD (RFC 5881) of the neighbours that the daemon names goes to the daemon by a ring of its own,
// past the forwarder's queue, so that a forwarder with more to do than it can does not lose it.
// More than BFD_PERIOD_NS allows, more than the ring holds and all other BFD take the common way.
#pragma once

#include <linux/types.h>

#define TAG_FILTER_PROGRAM "tag_filter"
#define TAG_FILTER_BITMAP "provisioned"
#define TAG_FILTER_COUNTS "filter_counts"
#define TAG_FILTER_BFD_NEIGHBOURS "bfd_neighbours"
#define TAG_FILTER_BFD_ARRIVALS "bfd_arrivals"

#define TAG_BITMAP_WORDS (1U << 18)
#define TAG_BITMAP_KEY(outer, inner) (((outer) << 6) | ((inner) >> 6))
#define TAG_BITMAP_BIT(inner) (1ULL << ((inner)&63U))

#define BFD_NEIGHBOURS_MAX 16384U
#define BFD_ARRIVALS_BYTES (1U << 18)  // of the ring: some 3,000 packets
#define BFD_PACKET_BYTES_MAX 72U       // IPv6, UDP, a control packet without authentication
// Each neighbour may send a packet a millisecond, ten times what the shortest interval asks for,
// and so many at once.
#define BFD_PERIOD_NS 1000000ULL
#define BFD_BURST 32U

// Who says it, to whom, and where. Everything as on the wire but for the VIDs.
struct bfd_neighbour {
    __u16 outer_vid;
    __u16 inner_vid;  // 0: one tag only
    __u16 ether_type;
    __u8 our_mac[6];
    __u8 address[16];  // of IPv4 the first four bytes, and the rest is 0
    __u8 our_address[16];
};

struct bfd_allowance {
    __u32 attachment;
    __u32 reserved;
    __u64 due_ns;  // when the next packet would be due if they came evenly
};

// A record of the ring: the packet from layer 3 on.
struct bfd_arrival {
    __u32 attachment;
    __u32 size;
    __u8 bytes[BFD_PACKET_BYTES_MAX];
};

enum tag_filter_count {
    TAG_FILTER_REDIRECTED,
    TAG_FILTER_NO_SOCKET,
    TAG_FILTER_UNTAGGED,
    TAG_FILTER_UNKNOWN_TAG,
    TAG_FILTER_MALFORMED,
    TAG_FILTER_BFD,
    TAG_FILTER_COUNTS_MAX,
};
