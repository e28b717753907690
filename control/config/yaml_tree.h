// SPDX-License-Identifier: Apache-2.0
//
// YamlNode: a YAML document as a tree in which every key and value knows its place in the text.
//
// Built from yaml-cpp's events rather than from YAML::Node, which knows the place of no key, keeps
// only one of two equal keys, and expands aliases.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace causeway {

struct YamlMark {
    unsigned line = 0;  // 1-based; 0: the document as a whole
    unsigned column = 0;
};

struct YamlNode {
    enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };

    Kind kind = Kind::kNull;
    YamlMark mark;                   // where the value begins, or the key of an empty one
    YamlMark key_mark;               // where its key begins; children of a map only
    std::string key;                 // children of a map only
    std::string text;                // scalars only
    std::vector<YamlNode> children;  // in the order of the document, equal keys included

    [[nodiscard]] const YamlNode* find(std::string_view wanted) const noexcept;  // the first such
};

struct YamlFault {
    YamlMark mark;
    std::string message;
};

struct YamlDocument {
    YamlNode root;
    std::optional<YamlFault> fault;  // if set, the tree is incomplete: do not read it
};

// Any bytes are fine as input. Refuses more than one document, anchors, aliases, tags, keys that
// are not words, and what exceeds the kConfig limits of base/limits.h. Never throws.
[[nodiscard]] YamlDocument parse_yaml(std::string_view text);

}  // namespace causeway
