// SPDX-License-Identifier: Apache-2.0
#include "dataplane/xdp_leftovers.h"

#include <linux/if_xdp.h>
#include <rte_mbuf.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>

namespace causeway {
namespace {

bool is_xdp_socket(int fd) {
    int domain = 0;
    socklen_t bytes = sizeof domain;
    return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &bytes) == 0 && domain == AF_XDP;
}

bool is_bpf(int fd) {
    std::error_code error;
    const auto target =
        std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string();
    return target == "anon_inode:bpf-map" || target == "anon_inode:bpf-prog";
}

// Finds the mbuf of an address in a ring. An address is an offset from the page in which the pool
// begins, and what the upper 16 bits add to it lies within the element (XDP_UMEM_UNALIGNED_CHUNK).
class LentPool {
  public:
    explicit LentPool(rte_mempool& pool) noexcept : pool_(pool) {
        const auto first = reinterpret_cast<std::uintptr_t>(STAILQ_FIRST(&pool.mem_list)->addr);
        base_ = first & ~(static_cast<std::uintptr_t>(::getpagesize()) - 1);
        bytes_ = STAILQ_FIRST(&pool.mem_list)->len + (first - base_);
    }
    void take_back(std::uint64_t address) const noexcept {
        const std::uint64_t offset = address & XSK_UNALIGNED_BUF_ADDR_MASK;
        if (offset >= bytes_) return;
        ::rte_pktmbuf_free(reinterpret_cast<rte_mbuf*>(base_ + offset + pool_.header_size));
    }

  private:
    rte_mempool& pool_;
    std::uintptr_t base_;
    std::size_t bytes_;
};

// One ring of a socket, mapped. The kernel does not tell its size, but maps no more than there is:
// the largest power of two that can be mapped is it.
template <class Entry>
class MappedRing {
  public:
    MappedRing(int fd, std::uint64_t page_offset, const xdp_ring_offset& offsets) noexcept
        : offsets_(offsets) {
        constexpr std::size_t kEntriesMax = 1U << 16;
        for (entries_ = kEntriesMax; entries_ > 0; entries_ /= 2) {
            bytes_ = offsets.desc + entries_ * sizeof(Entry);
            memory_ =
                ::mmap(nullptr, bytes_, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(page_offset));
            if (memory_ != MAP_FAILED) return;
        }
    }
    MappedRing(const MappedRing&) = delete;
    MappedRing& operator=(const MappedRing&) = delete;
    ~MappedRing() {
        if (entries_ > 0) ::munmap(memory_, bytes_);
    }

    // How many entries were ever produced, and consumed as far as the consumer has told.
    [[nodiscard]] std::uint32_t produced() const noexcept { return index(offsets_.producer); }
    [[nodiscard]] std::uint32_t consumed() const noexcept { return index(offsets_.consumer); }

    // Calls with each entry from the one of this number to the last produced.
    template <class Take>
    void each_from(std::uint32_t first, const Take& take) const noexcept {
        if (entries_ == 0 || produced() - first > entries_) return;
        const auto* const ring = static_cast<const Entry*>(at(offsets_.desc));
        for (std::uint32_t i = first; i != produced(); ++i) take(ring[i & (entries_ - 1)]);
    }

  private:
    [[nodiscard]] const void* at(std::uint64_t offset) const noexcept {
        return static_cast<const std::byte*>(memory_) + offset;
    }
    [[nodiscard]] std::uint32_t index(std::uint64_t offset) const noexcept {
        return entries_ == 0 ? 0U : *static_cast<const std::uint32_t*>(at(offset));
    }

    xdp_ring_offset offsets_;
    void* memory_ = MAP_FAILED;
    std::size_t entries_ = 0;
    std::size_t bytes_ = 0;
};

bool is_zero_copy(int fd) {
    xdp_options options{};
    socklen_t bytes = sizeof options;
    return ::getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &bytes) < 0 ||
           (options.flags & XDP_OPTIONS_ZEROCOPY) != 0;
}

// In zero-copy mode a driver takes buffers ahead and puts them to other uses, and nobody can tell
// afterwards which of them are still out: those stay lost.
void take_buffers_back(int fd, const LentPool& pool) noexcept {
    xdp_mmap_offsets offsets{};
    socklen_t bytes = sizeof offsets;
    if (::getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &bytes) < 0) return;
    if (is_zero_copy(fd)) return;
    const MappedRing<std::uint64_t> fill(fd, XDP_UMEM_PGOFF_FILL_RING, offsets.fr);
    const MappedRing<std::uint64_t> completed(fd, XDP_UMEM_PGOFF_COMPLETION_RING, offsets.cr);
    const MappedRing<xdp_desc> received(fd, XDP_PGOFF_RX_RING, offsets.rx);
    const MappedRing<xdp_desc> to_send(fd, XDP_PGOFF_TX_RING, offsets.tx);

    // The kernel takes fill entries in turn, one a frame received, and tells of it only when it has
    // taken all. So not its word counts but the number of frames that it delivered.
    const auto take_address = [&pool](std::uint64_t address) { pool.take_back(address); };
    const auto take_frame = [&pool](const xdp_desc& frame) { pool.take_back(frame.addr); };
    fill.each_from(received.produced(), take_address);
    received.each_from(received.consumed(), take_frame);
    completed.each_from(completed.consumed(), take_address);
    to_send.each_from(to_send.consumed(), take_frame);
}

}  // namespace

XdpLeftovers XdpLeftovers::of_process() {
    XdpLeftovers found;
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
         !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        int fd = -1;
        std::from_chars(name.data(), name.data() + name.size(), fd);
        if (is_xdp_socket(fd) || is_bpf(fd)) found.fds_.push_back(fd);
    }
    std::ranges::sort(found.fds_);
    return found;
}

XdpLeftovers XdpLeftovers::without(const XdpLeftovers& others) const {
    XdpLeftovers rest;
    std::ranges::set_difference(fds_, others.fds_, std::back_inserter(rest.fds_));
    return rest;
}

void XdpLeftovers::clean_up(rte_mempool& pool) noexcept {
    const LentPool lent(pool);
    for (const int fd : fds_) {
        const bool is_socket = is_xdp_socket(fd);
        if (is_socket) take_buffers_back(fd, lent);
        if (is_socket || is_bpf(fd)) ::close(fd);
    }
    fds_.clear();
}

}  // namespace causeway
