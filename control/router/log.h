// SPDX-License-Identifier: Apache-2.0
//
// The daemon's log: one line an event, to standard error, where systemd's journal picks it up. Only
// control/ may link it: a worker has counters.
#pragma once

#include <spdlog/spdlog.h>

#include <utility>

namespace causeway {

template <class... Args>
void log_info(spdlog::format_string_t<Args...> format, Args&&... args) {
    spdlog::info(format, std::forward<Args>(args)...);
}
template <class... Args>
void log_warning(spdlog::format_string_t<Args...> format, Args&&... args) {
    spdlog::warn(format, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(spdlog::format_string_t<Args...> format, Args&&... args) {
    spdlog::error(format, std::forward<Args>(args)...);
}

// Sets the form of a line and where it goes. Once, before the first line.
void open_log();

}  // namespace causeway
