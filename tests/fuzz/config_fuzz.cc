// SPDX-License-Identifier: Apache-2.0
//
// Any text yields a configuration or errors, never both, never neither; a configuration that was
// accepted is written, and read again as the same.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "control/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const LoadedConfig loaded = load_config(text);
    CHECK(loaded.config.has_value() == loaded.errors.empty());
    for (const ConfigError& error : loaded.errors) CHECK(!error.message.empty());
    if (!loaded.config) return 0;
    const LoadedConfig again = load_config(write_config(*loaded.config));
    CHECK(again.config == loaded.config);
    return 0;
}
