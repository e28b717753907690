// SPDX-License-Identifier: Apache-2.0
//
// A list of a document whose things go by names of their own kind.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "control/config/legs.h"
#include "control/config/reader.h"

namespace causeway {

// Reads the list under `key`; read(node, path) gives one of them. A name is taken once.
template <class Thing, class Read>
void read_named(MapReader& sections, std::string_view key, std::size_t count_max,
                std::vector<Thing>& into, const Read& read) {
    Claims<std::string> names;
    sections.each(key, count_max, [&](const YamlNode& node, const std::string& path) {
        ConfigErrors& errors = sections.errors();
        const Thing& thing = into.emplace_back(read(node, path));
        const std::string name_path = member(path, "name");
        if (errors.is_bad(name_path) || errors.is_bad(path)) return;
        if (const auto* const taken = names.take(thing.name, name_path)) {
            errors.add(name_path, fmt::format("{} exists already (line {}): choose another name",
                                              thing.name, errors.line_of(taken->path)));
        }
    });
}

}  // namespace causeway
