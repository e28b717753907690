// SPDX-License-Identifier: Apache-2.0
//
// Mapping: address space from the system, zero until written, given back on destruction. A page
// costs memory once it is written.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace causeway {

inline constexpr std::size_t kPageBytes = 4'096;
inline constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;

enum class PageSize { kSmall, kHuge };  // kHuge is a wish; the system may refuse in silence

class Mapping {
  public:
    // Readable, not yet writable; aligned to a huge page and a whole number of them.
    [[nodiscard]] static Result<Mapping> reserve(std::size_t bytes);
    // Readable and writable, on pages of this size where the system has them.
    [[nodiscard]] static Result<Mapping> allocate(std::size_t bytes, PageSize page_size);

    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();

    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

    // Parts of a reservation; offset and bytes are multiples of kHugePageBytes.
    [[nodiscard]] Status make_writable(std::size_t offset, std::size_t bytes);
    void make_huge(std::size_t offset, std::size_t bytes) noexcept;
    // Zero again and no longer writable. Readers see each byte before or after, never a fault.
    void discard(std::size_t offset, std::size_t bytes) noexcept;

  private:
    Mapping(std::byte* data, std::size_t bytes) noexcept : data_(data), bytes_(bytes) {}

    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace causeway
