// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// The fork in the road of a kernel interface: frames of provisioned tags go to the forwarder's
// AF_XDP socket, all others to the kernel as if we were not here.
//
// Both TPIDs are accepted in both places, whatever the port is configured for: a provisioned VID
// under the wrong TPID is the forwarder's to refuse and to count. A third tag likewise.
//
// DPDK loads this file and looks for a map called xsks_map; the daemon finds the others by name
// (tag_filter.h) in the loaded program.

// libbpf's headers need the kernel's types before them.
// clang-format off
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#include "tag_filter.h"

#define ETHER_TYPE_OFFSET 12
#define QUEUES_MAX 256

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

SEC("xdp")
int tag_filter(struct xdp_md* context) {
    const void* end = (const void*)(long)context->data_end;
    const __be16* type = (const void*)(long)context->data + ETHER_TYPE_OFFSET;
    const struct vlan_tag* outer = (const void*)(type + 1);
    const struct vlan_tag* inner = outer + 1;
    __u32 inner_vid = 0;

    if ((const void*)(type + 1) > end) return counted(TAG_FILTER_MALFORMED, XDP_PASS);
    if (!is_tag(*type)) return counted(TAG_FILTER_UNTAGGED, XDP_PASS);
    if ((const void*)(outer + 1) > end) return counted(TAG_FILTER_MALFORMED, XDP_PASS);
    if (is_tag(outer->type)) {
        if ((const void*)(inner + 1) > end) return counted(TAG_FILTER_MALFORMED, XDP_PASS);
        inner_vid = vid(inner);
        if (inner_vid == 0) return counted(TAG_FILTER_UNKNOWN_TAG, XDP_PASS);
    }
    if (!is_provisioned(vid(outer), inner_vid)) return counted(TAG_FILTER_UNKNOWN_TAG, XDP_PASS);

    // Where the queue has no socket, the last argument is the answer.
    if (bpf_redirect_map(&xsks_map, context->rx_queue_index, XDP_PASS) == XDP_REDIRECT) {
        return counted(TAG_FILTER_REDIRECTED, XDP_REDIRECT);
    }
    return counted(TAG_FILTER_NO_SOCKET, XDP_PASS);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
