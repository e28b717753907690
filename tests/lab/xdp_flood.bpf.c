// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// What the kernel runs on each frame of xdp_flood.py: gives it the next source port, and sends it
// out of the device OUT_IFINDEX, not sooner than GAP_NS after the one before. Without that gap
// frames come at five million a second and then none for a while, and a receiver whose queue is
// short is given fewer than were asked for.

// libbpf's headers need the kernel's types before them.
// clang-format off
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
// clang-format on

#ifndef OUT_IFINDEX
#error "OUT_IFINDEX: where the frames leave"
#endif
#ifndef GAP_NS
#error "GAP_NS: between two frames"
#endif

// Of a frame with two tags and an IPv4 header without options.
#define TCP_AT (14 + 2 * 4 + 20)
#define FIRST_PORT 20000
#define PORTS 4096

struct tcp_header {
    __be16 source;
    __be16 destination;
    __be32 sequence;
    __be32 acknowledged;
    __be16 flags;
    __be16 window;
    __be16 checksum;
    __be16 urgent;
};

// Of the clock, which takes some 20 ns to be read; a gap is no longer than these.
#define READINGS_MAX 64

static __u32 count;
static __u64 due;

static void wait_for_turn(void) {
    __u64 now = bpf_ktime_get_ns();
    for (__u32 i = 0; i < READINGS_MAX && now < due; ++i) now = bpf_ktime_get_ns();
    due = now + GAP_NS;
}

SEC("xdp")
int next(struct xdp_md* context) {
    void* const end = (void*)(long)context->data_end;
    struct tcp_header* const tcp = (void*)(long)context->data + TCP_AT;
    if ((void*)(tcp + 1) > end) return XDP_DROP;
    wait_for_turn();
    // What the port gains the window loses, and the checksum stays right.
    const __u32 step = count++ % PORTS;
    tcp->source = bpf_htons(FIRST_PORT + step);
    tcp->window = bpf_htons(PORTS - step);
    return bpf_redirect(OUT_IFINDEX, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
