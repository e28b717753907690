// SPDX-License-Identifier: Apache-2.0
#include "control/log/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

namespace causeway {

void detail::log_line(LogLevel level, fmt::string_view format, fmt::format_args args) {
    constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::info, spdlog::level::warn,
                                                     spdlog::level::err};
    spdlog::log(kLevels[static_cast<std::size_t>(level)], fmt::vformat(format, args));
}

void open_log() {
    auto logger = spdlog::stderr_color_mt("causewayd");
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace causeway
