// SPDX-License-Identifier: Apache-2.0
#include "control/cli/output.h"

#include <unistd.h>

#include <cstdlib>

namespace causeway::cli {

Output::~Output() {
    if (pager_ != nullptr) ::pclose(pager_);
}

void Output::page() {
    if (pager_ != nullptr || ::isatty(STDOUT_FILENO) == 0) return;
    const char* pager = std::getenv("PAGER");
    // -F: what fits the screen is just printed.
    pager_ = ::popen(pager != nullptr && *pager != '\0' ? pager : "less -FRX", "w");
}

void Output::write(std::string_view text) {
    std::FILE* const file = pager_ != nullptr ? pager_ : stdout;
    if (!is_read_) return;
    const bool is_written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    is_read_ = is_written && std::fflush(file) == 0;
}

}  // namespace causeway::cli
