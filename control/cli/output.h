// SPDX-License-Identifier: Apache-2.0
//
// Output: standard output, behind a pager where a person reads it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string_view>

namespace causeway::cli {

class Output {
  public:
    Output() = default;
    ~Output();  // waits for the pager
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // From here on through $PAGER, or `less -FRX`, if standard output is a terminal.
    void page();
    void write(std::string_view text);
    // Somebody still reads: false after `| head` has seen enough, or the pager was left.
    [[nodiscard]] bool is_read() const noexcept { return is_read_; }

  private:
    std::FILE* pager_ = nullptr;
    bool is_read_ = true;
};

}  // namespace causeway::cli
