// SPDX-License-Identifier: Apache-2.0
//
// ZeroedRows: rows that begin as zero bytes, on pages of their own. A page costs memory once one of
// its rows is written; on huge pages a row in random order costs no walk of page tables.
#pragma once

#include <cstddef>
#include <utility>

#include "base/check.h"
#include "base/mapping.h"

namespace causeway {

template <class Row>
class ZeroedRows {
  public:
    ZeroedRows(std::size_t rows, PageSize pages) : memory_(allocate(rows, pages)) {}

    [[nodiscard]] Row* data() const noexcept { return reinterpret_cast<Row*>(memory_.data()); }
    [[nodiscard]] Row& operator[](std::size_t row) const noexcept { return data()[row]; }

  private:
    static Mapping allocate(std::size_t rows, PageSize pages) {
        Result<Mapping> memory = Mapping::allocate(rows * sizeof(Row), pages);
        CHECK(memory.has_value());
        return std::move(*memory);
    }

    Mapping memory_;
};

}  // namespace causeway
