// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The fork in the road of a kernel interface: frames of provisioned tags go to the forwarder's
// AF_XDP socket, all others to the kernel as if we were not here. BFD of the neighbours that the
// daemon knows does not queue behind the rest (tag_filter.h).
//
// Both TPIDs are accepted in both places, whatever the port is configured for: a provisioned VID
// under the wrong TPID is the forwarder's to refuse and to count. A third tag likewise.
//
// DPDK loads this file and looks for a map called xsks_map; the daemon finds the others by name
// (tag_filter.h) in the loaded program.

// libbpf's headers need the kernel's types before them.
// clang-format off
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "tag_filter.h"

#define ETHER_TYPE_OFFSET 12
#define QUEUES_MAX 256
#define MAC_BYTES 6
#define ETHER_TYPE_IPV4 0x0800
#define ETHER_TYPE_IPV6 0x86dd
#define PROTOCOL_UDP 17
#define BFD_PORT 3784
#define BFD_TTL 255
#define IPV4_WITHOUT_OPTIONS 0x45
#define IPV4_MORE_OR_OFFSET 0x3fff

struct bfd_udp {
    struct udphdr udp;
    __u8 packet[24];
};
struct bfd_ipv4 {
    struct iphdr ip;
    struct bfd_udp udp;
};
struct bfd_ipv6 {
    struct ipv6hdr ip;
    struct bfd_udp udp;
};
_Static_assert(sizeof(struct bfd_ipv6) == BFD_PACKET_BYTES_MAX, "the longest fits");

struct vlan_tag {
    __be16 tci;
    __be16 type;
};

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(max_entries, QUEUES_MAX);
    __type(key, __u32);
    __type(value, __u32);
} xsks_map SEC(".maps");

// Written by the daemon through its own mapping, read here at the same time.
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, TAG_BITMAP_WORDS);
    __type(key, __u32);
    __type(value, __u64);
} provisioned SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, TAG_FILTER_COUNTS_MAX);
    __type(key, __u32);
    __type(value, __u64);
} filter_counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, BFD_NEIGHBOURS_MAX);
    __type(key, struct bfd_neighbour);
    __type(value, struct bfd_allowance);
} bfd_neighbours SEC(".maps");

// Read by the daemon through its own mapping.
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, BFD_ARRIVALS_BYTES);
} bfd_arrivals SEC(".maps");

static __always_inline int counted(enum tag_filter_count what, int action) {
    __u32 key = what;
    __u64* count = bpf_map_lookup_elem(&filter_counts, &key);
    if (count) ++*count;
    return action;
}

static __always_inline int is_tag(__be16 type) {
    return type == bpf_htons(0x8100) || type == bpf_htons(0x88a8);
}

static __always_inline __u32 vid(const struct vlan_tag* tag) {
    return bpf_ntohs(tag->tci) & 0xfffU;
}

static __always_inline int is_provisioned(__u32 outer, __u32 inner) {
    __u32 key = TAG_BITMAP_KEY(outer, inner);
    __u64* word = bpf_map_lookup_elem(&provisioned, &key);
    return word && (*word & TAG_BITMAP_BIT(inner));
}

static __always_inline int is_bfd(const struct bfd_udp* bfd) {
    return bfd->udp.dest == bpf_htons(BFD_PORT) && bfd->udp.len == bpf_htons(sizeof(*bfd));
}

// Whether it is a packet of BFD, and whose: all but tags and MAC address. What is shorter, longer,
// fragmented, or has options is the walk's to judge.
static __always_inline int is_ipv4_bfd(const struct bfd_ipv4* packet, const void* end,
                                       struct bfd_neighbour* from) {
    const struct iphdr* ip = &packet->ip;
    if ((const void*)(packet + 1) > end || *(const __u8*)ip != IPV4_WITHOUT_OPTIONS) return 0;
    if (ip->ttl != BFD_TTL || ip->protocol != PROTOCOL_UDP) return 0;
    if (ip->tot_len != bpf_htons(sizeof(*packet))) return 0;
    if ((ip->frag_off & bpf_htons(IPV4_MORE_OR_OFFSET)) != 0 || !is_bfd(&packet->udp)) return 0;
    __builtin_memcpy(from->address, &ip->saddr, sizeof(ip->saddr));
    __builtin_memcpy(from->our_address, &ip->daddr, sizeof(ip->daddr));
    return 1;
}

static __always_inline int is_ipv6_bfd(const struct bfd_ipv6* packet, const void* end,
                                       struct bfd_neighbour* from) {
    const struct ipv6hdr* ip = &packet->ip;
    if ((const void*)(packet + 1) > end || ip->version != 6) return 0;
    if (ip->hop_limit != BFD_TTL || ip->nexthdr != PROTOCOL_UDP) return 0;
    if (ip->payload_len != bpf_htons(sizeof(packet->udp)) || !is_bfd(&packet->udp)) return 0;
    __builtin_memcpy(from->address, &ip->saddr, sizeof(ip->saddr));
    __builtin_memcpy(from->our_address, &ip->daddr, sizeof(ip->daddr));
    return 1;
}

// Room in the ring for a packet of this neighbour, or null. Two processors that ask at once may
// both be given what was left; it is soon made up for.
static __always_inline struct bfd_arrival* allow_bfd(const struct bfd_neighbour* from) {
    struct bfd_allowance* allowance = bpf_map_lookup_elem(&bfd_neighbours, from);
    if (!allowance) return 0;
    const __u64 now = bpf_ktime_get_ns();
    const __u64 due = allowance->due_ns > now ? allowance->due_ns : now;
    if (due - now > BFD_BURST * BFD_PERIOD_NS) return 0;
    struct bfd_arrival* arrival = bpf_ringbuf_reserve(&bfd_arrivals, sizeof(*arrival), 0);
    if (!arrival) return 0;
    allowance->due_ns = due + BFD_PERIOD_NS;
    arrival->attachment = allowance->attachment;
    return arrival;
}

// Whether the packet was BFD of a neighbour, and is on its way. `from` says where it came in.
static __always_inline int took_bfd(const void* packet, const void* end,
                                    struct bfd_neighbour* from) {
    struct bfd_arrival* arrival;
    if (from->ether_type == bpf_htons(ETHER_TYPE_IPV4)) {
        if (!is_ipv4_bfd(packet, end, from) || !(arrival = allow_bfd(from))) return 0;
        arrival->size = sizeof(struct bfd_ipv4);
        __builtin_memcpy(arrival->bytes, packet, sizeof(struct bfd_ipv4));
    } else if (from->ether_type == bpf_htons(ETHER_TYPE_IPV6)) {
        if (!is_ipv6_bfd(packet, end, from) || !(arrival = allow_bfd(from))) return 0;
        arrival->size = sizeof(struct bfd_ipv6);
        __builtin_memcpy(arrival->bytes, packet, sizeof(struct bfd_ipv6));
    } else {
        return 0;
    }
    bpf_ringbuf_submit(arrival, BPF_RB_NO_WAKEUP);
    return 1;
}

SEC("xdp")
int tag_filter(struct xdp_md* context) {
    const void* end = (const void*)(long)context->data_end;
    const void* frame = (const void*)(long)context->data;
    const __be16* type = frame + ETHER_TYPE_OFFSET;
    const struct vlan_tag* outer = (const void*)(type + 1);
    const struct vlan_tag* inner = outer + 1;
    __u32 inner_vid = 0;
    struct bfd_neighbour from = {};

    if ((const void*)(type + 1) > end) return counted(TAG_FILTER_MALFORMED, XDP_PASS);
    if (!is_tag(*type)) return counted(TAG_FILTER_UNTAGGED, XDP_PASS);
    if ((const void*)(outer + 1) > end) return counted(TAG_FILTER_MALFORMED, XDP_PASS);
    if (is_tag(outer->type)) {
        if ((const void*)(inner + 1) > end) return counted(TAG_FILTER_MALFORMED, XDP_PASS);
        inner_vid = vid(inner);
        if (inner_vid == 0) return counted(TAG_FILTER_UNKNOWN_TAG, XDP_PASS);
    }
    if (!is_provisioned(vid(outer), inner_vid)) return counted(TAG_FILTER_UNKNOWN_TAG, XDP_PASS);

    from.outer_vid = vid(outer);
    from.inner_vid = inner_vid;
    from.ether_type = inner_vid ? inner->type : outer->type;
    __builtin_memcpy(from.our_mac, frame, MAC_BYTES);
    if (took_bfd(inner_vid ? inner + 1 : outer + 1, end, &from)) {
        return counted(TAG_FILTER_BFD, XDP_DROP);
    }

    // Where the queue has no socket, the last argument is the answer.
    if (bpf_redirect_map(&xsks_map, context->rx_queue_index, XDP_PASS) == XDP_REDIRECT) {
        return counted(TAG_FILTER_REDIRECTED, XDP_REDIRECT);
    }
    return counted(TAG_FILTER_NO_SOCKET, XDP_PASS);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
