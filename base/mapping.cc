// SPDX-License-Identifier: Apache-2.0
#include "base/mapping.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

// Linux 6.1; Debian 12's <sys/mman.h> is older than its kernel.
constexpr int kMadviseCollapse = 25;

constexpr std::size_t round_up(std::size_t bytes) noexcept {
    return (bytes + kHugePageBytes - 1) & ~(kHugePageBytes - 1);
}

Unexpected refused(std::size_t bytes) {
    return Unexpected(ErrorCode::kUnavailable,
                      "the system refuses " + std::to_string(bytes >> 20) +
                          " MiB of address space for tables: " + std::strerror(errno));
}

}  // namespace

Result<Mapping> Mapping::reserve(std::size_t bytes) {
    bytes = round_up(bytes);
    // One huge page more than asked for always holds an aligned part; the rest is given back.
    const std::size_t with_slack = bytes + kHugePageBytes;
    void* const raw =
        mmap(nullptr, with_slack, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return refused(with_slack);
    auto* const start = static_cast<std::byte*>(raw);
    const std::size_t head =
        round_up(reinterpret_cast<std::uintptr_t>(start)) - reinterpret_cast<std::uintptr_t>(start);
    if (head != 0) munmap(start, head);
    munmap(start + head + bytes, with_slack - head - bytes);
    // Of what is sparse, a page that one entry was written to shall be a small one; and a core dump
    // shall not walk all of it.
    madvise(start + head, bytes, MADV_NOHUGEPAGE);
    madvise(start + head, bytes, MADV_DONTDUMP);
    return Mapping(start + head, bytes);
}

Result<Mapping> Mapping::allocate(std::size_t bytes, PageSize page_size) {
    Result<Mapping> mapping = reserve(bytes);
    if (!mapping) return mapping;
    if (Status status = mapping->make_writable(0, mapping->size()); !status) {
        return Unexpected(status.error());
    }
    if (page_size == PageSize::kHuge) {
        madvise(mapping->data(), mapping->size(), MADV_HUGEPAGE);
    }
    return mapping;
}

Mapping::Mapping(Mapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
}

Mapping::~Mapping() {
    if (data_ != nullptr) munmap(data_, bytes_);
}

Status Mapping::make_writable(std::size_t offset, std::size_t bytes) {
    DCHECK(offset + bytes <= bytes_);
    if (mprotect(data_ + offset, bytes, PROT_READ | PROT_WRITE) != 0) return refused(bytes);
    return ok();
}

void Mapping::make_huge(std::size_t offset, std::size_t bytes) noexcept {
    DCHECK(offset + bytes <= bytes_);
    if (madvise(data_ + offset, bytes, MADV_HUGEPAGE) != 0) return;
    madvise(data_ + offset, bytes, kMadviseCollapse);  // what is small already; may fail, as a wish
}

void Mapping::discard(std::size_t offset, std::size_t bytes) noexcept {
    DCHECK(offset + bytes <= bytes_);
    CHECK(madvise(data_ + offset, bytes, MADV_DONTNEED) == 0);
    CHECK(mprotect(data_ + offset, bytes, PROT_READ) == 0);
    madvise(data_ + offset, bytes, MADV_NOHUGEPAGE);
}

}  // namespace causeway
