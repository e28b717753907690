// SPDX-License-Identifier: Apache-2.0
//
// RawArray: room for N objects on the stack, none of them initialised. For what a burst writes
// before it reads it, where std::array would set all N to the defaults of their members first.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace causeway {

template <class T, std::size_t N>
class RawArray {
    // Such objects begin to live when their storage does (C++20 [intro.object] 13).
    static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

  public:
    [[nodiscard]] T& operator[](std::size_t i) noexcept { return data()[i]; }
    [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data()[i]; }
    // REQUIRES: count <= N.
    [[nodiscard]] std::span<T> first(std::size_t count) noexcept { return {data(), count}; }

  private:
    [[nodiscard]] T* data() noexcept { return reinterpret_cast<T*>(storage_); }
    [[nodiscard]] const T* data() const noexcept { return reinterpret_cast<const T*>(storage_); }

    alignas(T) std::byte storage_[N * sizeof(T)];
};

}  // namespace causeway
