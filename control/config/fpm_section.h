// SPDX-License-Identifier: Apache-2.0
//
// The section "fpm" of a configuration: how it reads, and what must hold in it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "control/config/config.h"
#include "control/config/errors.h"
#include "control/config/yaml_tree.h"

namespace causeway {

// Listeners: one zebra each. With VRFs as network namespaces there is one for each VRF.
inline constexpr std::size_t kFpmListenersMax = 1'024;

[[nodiscard]] FpmConfig read_fpm(const YamlNode& node, const std::string& path,
                                 ConfigErrors& errors);

// The listeners of the section, and for every other VRF that has BGP one on the usual port in the
// namespace of its TAPs.
[[nodiscard]] std::vector<FpmConfig> fpm_listeners_of(const Config& config);

// REQUIRES: the VRFs' own rules have been checked, so that this is the last to speak.
void check_fpm_rules(const Config& config, ConfigErrors& errors);

}  // namespace causeway
