// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What an 802.1Q or QinQ interface would do, for kernels that have no VLAN devices: `push` on a
// host's clsact egress tags every frame, `pop` on its ingress takes the same tags off. A frame with
// any other tags belongs to somebody else on the shared segment and never reaches the host.
//
// The lab compiles this once per pair of tags: OUTER is 0 where there is only the inner tag.

// libbpf's headers need the kernel's types before them.
// clang-format off
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#ifndef OUTER
#error "OUTER: the S-tag, or 0"
#endif
#ifndef INNER
#error "INNER: the C-tag, or the only tag"
#endif
#ifndef OUTER_TPID
#define OUTER_TPID 0x8100
#endif

#define TPID_8021Q 0x8100
#define VLAN_ID_MASK 0xfff

// The kernel keeps the outermost tag beside the frame, not in it, and after a pop moves the next
// one there; so the tag to look at is always the one in the metadata.
static __always_inline int is_tagged(const struct __sk_buff* skb, __u16 tpid, __u16 vlan_id) {
    return skb->vlan_present && skb->vlan_proto == bpf_htons(tpid) &&
           (skb->vlan_tci & VLAN_ID_MASK) == vlan_id;
}

SEC("classifier/push")
int push(struct __sk_buff* skb) {
    if (bpf_skb_vlan_push(skb, bpf_htons(TPID_8021Q), INNER)) return TC_ACT_SHOT;
    if (OUTER && bpf_skb_vlan_push(skb, bpf_htons(OUTER_TPID), OUTER)) return TC_ACT_SHOT;
    return TC_ACT_OK;
}

SEC("classifier/pop")
int pop(struct __sk_buff* skb) {
    if (OUTER) {
        if (!is_tagged(skb, OUTER_TPID, OUTER)) return TC_ACT_SHOT;
        if (bpf_skb_vlan_pop(skb)) return TC_ACT_SHOT;
    }
    if (!is_tagged(skb, TPID_8021Q, INNER)) return TC_ACT_SHOT;
    if (bpf_skb_vlan_pop(skb)) return TC_ACT_SHOT;
    // A third tag is not ours either.
    if (skb->vlan_present) return TC_ACT_SHOT;
    return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual BSD/GPL";
