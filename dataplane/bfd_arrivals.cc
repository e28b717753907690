// SPDX-License-Identifier: Apache-2.0
#include "dataplane/bfd_arrivals.h"

#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "dataplane/xdp/tag_filter.h"

namespace causeway {
namespace {

constexpr std::uint64_t kPositionMask = BFD_ARRIVALS_BYTES - 1;
constexpr std::size_t kRecordAlignment = 8;

std::size_t page_bytes() {
    return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::atomic_ref<std::uint64_t> position_at(std::span<std::uint8_t> page) noexcept {
    return std::atomic_ref(*reinterpret_cast<std::uint64_t*>(page.data()));
}

Result<std::span<std::uint8_t>> map_pages(int map, std::size_t bytes, int protection,
                                          std::size_t offset) {
    void* const pages =
        ::mmap(nullptr, bytes, protection, MAP_SHARED, map, static_cast<off_t>(offset));
    if (pages != MAP_FAILED) return std::span(static_cast<std::uint8_t*>(pages), bytes);
    return Unexpected(ErrorCode::kUnavailable,
                      std::string("the filter's ring cannot be mapped: ") + std::strerror(errno));
}

}  // namespace

Result<BfdArrivals> BfdArrivals::open(int map) {
    const auto consumer = map_pages(map, page_bytes(), PROT_READ | PROT_WRITE, 0);
    if (!consumer) return Unexpected(consumer.error());
    BfdArrivals arrivals;
    arrivals.consumer_page_ = *consumer;
    const auto rest =
        map_pages(map, page_bytes() + 2 * std::size_t{BFD_ARRIVALS_BYTES}, PROT_READ, page_bytes());
    if (!rest) return Unexpected(rest.error());
    arrivals.rest_ = *rest;
    arrivals.data_ = rest->data() + page_bytes();
    return arrivals;
}

BfdArrivals::BfdArrivals(BfdArrivals&& other) noexcept
    : consumer_page_(std::exchange(other.consumer_page_, {})),
      rest_(std::exchange(other.rest_, {})),
      data_(std::exchange(other.data_, nullptr)) {}

BfdArrivals& BfdArrivals::operator=(BfdArrivals&& other) noexcept {
    if (this == &other) return *this;
    release();
    consumer_page_ = std::exchange(other.consumer_page_, {});
    rest_ = std::exchange(other.rest_, {});
    data_ = std::exchange(other.data_, nullptr);
    return *this;
}

BfdArrivals::~BfdArrivals() {
    release();
}

void BfdArrivals::release() noexcept {
    if (!consumer_page_.empty()) ::munmap(consumer_page_.data(), consumer_page_.size());
    if (!rest_.empty()) ::munmap(rest_.data(), rest_.size());
}

bool BfdArrivals::take(BfdFrame& frame) noexcept {
    const std::uint64_t position = position_at(consumer_page_).load(std::memory_order_relaxed);
    if (position_at(rest_).load(std::memory_order_acquire) == position) return false;
    // Read-only memory as well: atomic_ref wants it mutable, and only loads.
    auto* const header = const_cast<std::uint8_t*>(data_) + (position & kPositionMask);
    const std::uint32_t marked =
        std::atomic_ref(*reinterpret_cast<std::uint32_t*>(header)).load(std::memory_order_acquire);
    if ((marked & BPF_RINGBUF_BUSY_BIT) != 0) return false;  // its writer is at it
    bfd_arrival arrival;  // the program writes no other records, and discards none
    std::memcpy(&arrival, header + BPF_RINGBUF_HDR_SZ, sizeof arrival);
    const std::uint64_t record = BPF_RINGBUF_HDR_SZ + sizeof arrival;
    static_assert((BPF_RINGBUF_HDR_SZ + sizeof(bfd_arrival)) % kRecordAlignment == 0);
    position_at(consumer_page_).store(position + record, std::memory_order_release);

    frame.attachment = AttachmentId(static_cast<std::uint16_t>(arrival.attachment));
    frame.size =
        static_cast<std::uint8_t>(std::min<std::uint32_t>(arrival.size, BFD_PACKET_BYTES_MAX));
    static_assert(BFD_PACKET_BYTES_MAX <= BfdFrame::kBytesMax);
    std::memcpy(frame.bytes.data(), arrival.bytes, frame.size);
    return true;
}

}  // namespace causeway
