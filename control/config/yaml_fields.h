// SPDX-License-Identifier: Apache-2.0
//
// Fields and lists of the YAML document, as the writers of its sections emit them.
#pragma once

#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <string>
#include <string_view>
#include <vector>

namespace causeway {

inline void write_field(YAML::Emitter& out, const char* key, const std::string& value) {
    out << YAML::Key << key << YAML::Value << value;
}
inline void write_field(YAML::Emitter& out, const char* key, std::string_view value) {
    write_field(out, key, std::string(value));
}
inline void write_field(YAML::Emitter& out, const char* key, unsigned value) {
    write_field(out, key, std::to_string(value));
}

// One map an item, whose fields write(item) emits; nothing where there are no items.
template <class T, class Write>
void write_maps(YAML::Emitter& out, const char* key, const std::vector<T>& items,
                const Write& write) {
    if (items.empty()) return;
    out << YAML::Key << key << YAML::Value << YAML::BeginSeq;
    for (const T& item : items) {
        out << YAML::BeginMap;
        write(item);
        out << YAML::EndMap;
    }
    out << YAML::EndSeq;
}

}  // namespace causeway
