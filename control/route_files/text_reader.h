// SPDX-License-Identifier: Apache-2.0
//
// TextReader: a line a route, `PREFIX WAY`; `#` begins a comment.
#pragma once

#include "control/route_files/route_reader.h"

namespace causeway {

class TextReader final : public RouteReader {
  public:
    explicit TextReader(ByteWindow window) : window_(std::move(window)) {}

    [[nodiscard]] Result<std::optional<FileRoute>> next() override;
    [[nodiscard]] std::string place(std::uint64_t number) const override;
    [[nodiscard]] std::uint64_t passed_over() const override { return 0; }

  private:
    [[nodiscard]] Result<std::optional<std::string_view>> next_line();
    [[nodiscard]] Unexpected wrong(std::string message) const;

    ByteWindow window_;
    std::uint64_t line_ = 0;  // the one that was read last; the first is 1
};

}  // namespace causeway
