// SPDX-License-Identifier: Apache-2.0
//
// FileMapping: a file as memory, shared with it and with whoever else has it. What is written stays
// when the process goes.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/result.h"

namespace causeway {

enum class FileAccess { kRead, kReadWrite };

class FileMapping {
  public:
    // The first bytes of the file; on hugetlbfs a whole number of its pages.
    [[nodiscard]] static Result<FileMapping> create(int descriptor, std::size_t bytes,
                                                    FileAccess access);

    FileMapping(FileMapping&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    FileMapping& operator=(FileMapping&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~FileMapping();

    [[nodiscard]] std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

  private:
    FileMapping(std::byte* data, std::size_t bytes) noexcept : data_(data), bytes_(bytes) {}

    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace causeway
