// SPDX-License-Identifier: Apache-2.0
#include "control/config/next_hop.h"

#include <yaml-cpp/emittermanip.h>

#include "base/limits.h"
#include "base/text.h"
#include "control/config/reader.h"
#include "control/config/values.h"

namespace causeway {
namespace {

// A next hop is an address, or a mapping of an address and what else is to say of it.
RouteNextHop read_next_hop(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    RouteNextHop hop;
    if (node.kind != YamlNode::Kind::kMap) {
        read_value(node, path, errors, hop.address, parse_address);
        return hop;
    }
    MapReader fields(node, path, errors);
    fields.required("address", hop.address, parse_address);
    fields.optional("weight", hop.weight, NumberBetween{1, 64});
    fields.optional("recursive", hop.is_recursive, kFlags);
    fields.refuse_other_keys();
    return hop;
}

void write_next_hop(YAML::Emitter& out, const RouteNextHop& hop) {
    if (hop.weight == 1 && !hop.is_recursive) {
        out << to_string(hop.address);
        return;
    }
    out << YAML::Flow << YAML::BeginMap;
    out << YAML::Key << "address" << YAML::Value << to_string(hop.address);
    out << YAML::Key << "weight" << YAML::Value << std::to_string(hop.weight);
    if (hop.is_recursive) out << YAML::Key << "recursive" << YAML::Value << "true";
    out << YAML::EndMap;
}

}  // namespace

void read_next_hops(MapReader& fields, std::string_view key, std::vector<RouteNextHop>& into) {
    fields.each(key, kGroupMembersMax, [&](const YamlNode& item, const std::string& path) {
        into.push_back(read_next_hop(item, path, fields.errors()));
    });
}

void write_next_hops(YAML::Emitter& out, const char* key, const std::vector<RouteNextHop>& hops) {
    if (hops.empty()) return;
    out << YAML::Key << key << YAML::Value << YAML::BeginSeq;
    for (const RouteNextHop& hop : hops) write_next_hop(out, hop);
    out << YAML::EndSeq;
}

}  // namespace causeway
