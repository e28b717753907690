// SPDX-License-Identifier: Apache-2.0
//
// TagFilter: the daemon's hand on the XDP program (xdp/tag_filter.bpf.c) that sends the frames of
// provisioned tags to the forwarder and leaves all others to the kernel.
//
// Thread safety: one thread writes (set), one takes BFD packets, any may read the counters. The
// program reads the tag bitmap at the same time; every change is one aligned 64-bit store, so a
// frame sees a tag pair provisioned or not, never half of it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "dataplane/bfd_arrivals.h"

namespace causeway {

// The tags of one attachment. Without an inner tag: frames with one tag only.
struct TagPair {
    VlanId outer;
    std::optional<VlanId> inner;
    friend constexpr auto operator<=>(const TagPair&, const TagPair&) = default;
};

// A neighbour whose BFD packets do not queue behind data, as far as the rate of tag_filter.h goes.
struct BfdNeighbour {
    TagPair tags;
    MacAddress our_mac;
    IpAddress address;
    IpAddress our_address;  // of the same family
    AttachmentId attachment;
};

// What the filter did with the frames it saw since it was attached. Frames of unknown tags stay
// with the kernel, so these counters and not the forwarder's tell of them.
struct TagFilterCounters {
    std::uint64_t redirected = 0;   // given to the forwarder's socket
    std::uint64_t no_socket = 0;    // provisioned, but no socket on its queue: left to the kernel
    std::uint64_t untagged = 0;     // left to the kernel
    std::uint64_t unknown_tag = 0;  // tags that nobody provisioned: left to the kernel
    std::uint64_t malformed = 0;    // too short for the tags it announces: left to the kernel
    std::uint64_t bfd = 0;          // of a BFD neighbour: put into bfd_arrivals()
};

class TagFilter {
  public:
    // Opens the filter that runs on an interface; whoever loaded it. kNotFound where there is none.
    [[nodiscard]] static Result<TagFilter> attach_to(std::string_view interface);

    TagFilter(TagFilter&& other) noexcept;
    TagFilter& operator=(TagFilter&& other) noexcept;
    ~TagFilter();

    // From now on exactly these tags are provisioned. Frames of tags that stay are not disturbed.
    Status set(std::span<const TagPair> tags);
    // From now on BFD of exactly these neighbours comes by bfd_arrivals(). kFull beyond 16,384.
    Status set_bfd_neighbours(std::span<const BfdNeighbour> neighbours);
    // Stays where it is as long as the filter, wherever that is moved to.
    [[nodiscard]] BfdArrivals& bfd_arrivals() noexcept { return *bfd_arrivals_; }
    [[nodiscard]] Result<TagFilterCounters> counters() const;

  private:
    TagFilter() = default;
    void release() noexcept;

    std::span<std::uint64_t> provisioned_;  // the program's bitmap, mapped; see tag_filter_map.h
    int counts_fd_ = -1;
    int bfd_neighbours_fd_ = -1;
    std::unique_ptr<BfdArrivals> bfd_arrivals_;
};

// Takes a filter that a killed daemon left behind off the interface. kUnavailable if another
// program sits there: that one is somebody's, and stays.
[[nodiscard]] Status remove_stale_tag_filter(std::string_view interface);

// Where the compiled program is: in the build tree the executable lies in, or where it was
// installed.
[[nodiscard]] Result<std::string> find_tag_filter_object();

}  // namespace causeway
