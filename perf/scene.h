// SPDX-License-Identifier: Apache-2.0
//
// Scene: what the router is like, and the packets that pass it, in one measurement of a whole
// forwarder. Its name says all of it, so that a report needs nothing else to find a row.
#pragma once

#include <cstddef>
#include <string>

namespace causeway::perf {

// Where packets go to. kDrawn: every route is in equal demand, any address within it. kUniform: any
// unicast address; those that no route covers take a default route.
enum class Destinations { kDrawn, kUniform };

inline constexpr std::size_t kImix = 0;  // as Scene::frame_bytes

struct Scene {
    std::size_t ipv6_percent = 0;  // of the packets
    std::size_t frame_bytes = 64;  // with FCS; or kImix: 7 of 64, 4 of 594 and 1 of 1,518 bytes
    std::size_t tags = 2;          // of a frame; 1 is 802.1Q, as a core's often are
    std::size_t routes = 16;       // a VRF and family
    Destinations destinations = Destinations::kDrawn;
    std::size_t vrfs = 1;
    std::size_t attachments = 2;  // of the edge port
    std::size_t ways = 1;         // members of each route's group
    std::size_t ports = 1;        // that packets leave by, at random
    std::size_t rules = 0;        // of an access list on the way in; every other packet meets one
    std::size_t policers = 0;     // levels that each packet's bandwidth is held to, at most 2
    std::size_t sessions = 0;     // of a NAT44 that translates all sources; as many packets differ
    bool new_flows = false;       // every packet begins a session, and as many end meanwhile
    std::size_t burst = 64;
    std::size_t workers = 1;
};

// `key:value` parts with "/" between them.
[[nodiscard]] inline std::string name_of(const Scene& scene) {
    const auto part = [](const char* key, std::size_t value) {
        return std::string("/") + key + ':' + std::to_string(value);
    };
    const bool is_imix = scene.frame_bytes == kImix;
    return "ipv6:" + std::to_string(scene.ipv6_percent) +
           (is_imix ? "/bytes:imix" : part("bytes", scene.frame_bytes)) + part("tags", scene.tags) +
           part("routes", scene.routes) +
           "/destinations:" + (scene.destinations == Destinations::kDrawn ? "drawn" : "uniform") +
           part("vrfs", scene.vrfs) + part("attachments", scene.attachments) +
           part("ways", scene.ways) + part("ports", scene.ports) + part("rules", scene.rules) +
           part("policers", scene.policers) + part("sessions", scene.sessions) +
           (scene.new_flows ? "/flows:new" : "/flows:kept") + part("burst", scene.burst) +
           part("workers", scene.workers);
}

}  // namespace causeway::perf
