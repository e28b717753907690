// SPDX-License-Identifier: Apache-2.0
#include "control/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace causeway::cli {

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
    for (const Column& column : columns_) widths_.push_back(column.heading.size());
}

void Table::add(std::vector<std::string> cells) {
    CHECK(cells.size() == columns_.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        widths_[i] = std::max(widths_[i], cells[i].size());
    }
    rows_.push_back(std::move(cells));
}

void Table::append_row(std::string& text, const std::vector<std::string>& cells) const {
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i != 0) text += "  ";
        const auto width = static_cast<int>(widths_[i]);
        if (columns_[i].align == Column::Align::kRight) {
            text += fmt::format("{:>{}}", cells[i], width);
        } else {
            text += fmt::format("{:<{}}", cells[i], width);
        }
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
}

std::string Table::take() {
    std::string text;
    if (!std::exchange(has_headings_, true)) {
        std::vector<std::string> headings;
        for (const Column& column : columns_) headings.emplace_back(column.heading);
        append_row(text, headings);
    }
    for (const auto& row : rows_) append_row(text, row);
    rows_.clear();
    return text;
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t end = digits.size(); end > 3; end -= 3) digits.insert(end - 3, 1, ',');
    return digits;
}

std::string bit_rate(std::uint64_t bits_per_second) {
    constexpr std::array<std::pair<std::uint64_t, std::string_view>, 3> kUnits{
        {{1'000'000'000, "Gbps"}, {1'000'000, "Mbps"}, {1'000, "kbps"}}};
    for (const auto& [size, name] : kUnits) {
        if (bits_per_second != 0 && bits_per_second % size == 0)
            return fmt::format("{} {}", grouped(bits_per_second / size), name);
    }
    return grouped(bits_per_second) + " bps";
}

std::string duration(std::uint64_t seconds) {
    const std::string clock =
        fmt::format("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    return seconds < 86'400 ? clock : fmt::format("{}d {}", seconds / 86'400, clock);
}

}  // namespace causeway::cli
