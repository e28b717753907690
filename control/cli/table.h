// SPDX-License-Identifier: Apache-2.0
//
// Table: rows of text under headings, in columns as wide as their widest cell.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace causeway::cli {

struct Column {
    enum class Align : std::uint8_t { kLeft, kRight };
    std::string_view heading;
    Align align = Align::kLeft;
};
inline constexpr Column::Align kRight = Column::Align::kRight;

class Table {
  public:
    explicit Table(std::vector<Column> columns);

    // REQUIRES: one cell a column.
    void add(std::vector<std::string> cells);
    // The rows added since the last take(), under the headings the first time. Columns only grow,
    // so a list that is printed page by page stays aligned from the first wide page on.
    [[nodiscard]] std::string take();
    [[nodiscard]] bool is_empty() const noexcept { return rows_.empty(); }

  private:
    void append_row(std::string& text, const std::vector<std::string>& cells) const;

    std::vector<Column> columns_;
    std::vector<std::size_t> widths_;
    std::vector<std::vector<std::string>> rows_;
    bool has_headings_ = false;
};

// 1234567 as "1,234,567".
[[nodiscard]] std::string grouped(std::uint64_t number);
// Bits a second in the largest unit that loses nothing: "10 Gbps".
[[nodiscard]] std::string bit_rate(std::uint64_t bits_per_second);
// Seconds as "3d 04:05:06".
[[nodiscard]] std::string duration(std::uint64_t seconds);

}  // namespace causeway::cli
