// SPDX-License-Identifier: Apache-2.0
#include "control/router/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <memory>

namespace causeway {

void open_log() {
    auto logger = spdlog::stderr_color_mt("causewayd");
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
}

}  // namespace causeway
