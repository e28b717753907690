// SPDX-License-Identifier: Apache-2.0
//
// The daemon's log: one line an event, to standard error, where systemd's journal picks it up. Only
// control/ may link it: a worker has counters.
//
// Thread safety: any thread but a worker's.
#pragma once

#include <fmt/core.h>

#include <cstdint>

namespace causeway {

enum class LogLevel : std::uint8_t { kInfo, kWarning, kError };

namespace detail {
// Not a template: spdlog's own ones would bring all of fmt into each file that writes a line.
void log_line(LogLevel level, fmt::string_view format, fmt::format_args args);
}  // namespace detail

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
    detail::log_line(LogLevel::kInfo, format, fmt::make_format_args(args...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
    detail::log_line(LogLevel::kWarning, format, fmt::make_format_args(args...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
    detail::log_line(LogLevel::kError, format, fmt::make_format_args(args...));
}

// Sets the form of a line and where it goes. Once, before the first line.
void open_log();

}  // namespace causeway
