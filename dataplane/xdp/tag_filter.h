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
#pragma once

#define TAG_FILTER_PROGRAM "tag_filter"
#define TAG_FILTER_BITMAP "provisioned"
#define TAG_FILTER_COUNTS "filter_counts"

#define TAG_BITMAP_WORDS (1U << 18)
#define TAG_BITMAP_KEY(outer, inner) (((outer) << 6) | ((inner) >> 6))
#define TAG_BITMAP_BIT(inner) (1ULL << ((inner)&63U))

enum tag_filter_count {
    TAG_FILTER_REDIRECTED,
    TAG_FILTER_NO_SOCKET,
    TAG_FILTER_UNTAGGED,
    TAG_FILTER_UNKNOWN_TAG,
    TAG_FILTER_MALFORMED,
    TAG_FILTER_COUNTS_MAX,
};
