// SPDX-License-Identifier: Apache-2.0
//
// Access lists of a document: each value by itself, then each rule and each list as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "acl/compile.h"
#include "acl/rule.h"
#include "control/config/config.h"
#include "control/config/reader.h"

namespace causeway {

enum class SetsState : std::uint8_t { kSound, kFaulty };

class AclReader {
  public:
    // The sets must outlive this. Where they are faulty, nothing is said of rules that may name
    // them but what is wrong with single values.
    AclReader(const AclSets& sets, SetsState state, std::vector<ConfigError>& warnings)
        : sets_(sets), sets_state_(state), warnings_(warnings) {}

    [[nodiscard]] Acl read(const YamlNode& node, const std::string& path, ConfigErrors& errors);

  private:
    [[nodiscard]] AclRule read_rule(const YamlNode& node, const std::string& path,
                                    ConfigErrors& errors) const;
    void check(const Acl& acl, const std::string& path, ConfigErrors& errors);
    void warn(const Acl& acl, const AclEntries& entries, const std::string& path,
              const ConfigErrors& errors);

    const AclSets& sets_;
    const SetsState sets_state_;
    std::vector<ConfigError>& warnings_;
    // What looking for idle rules may still cost: pairs of entries.
    std::size_t pairs_left_ = kIdlePairsMax;
    static constexpr std::size_t kIdlePairsMax = 4'000'000;  // some 40 ms
};

}  // namespace causeway
