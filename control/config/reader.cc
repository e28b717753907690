// SPDX-License-Identifier: Apache-2.0
#include "control/config/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "control/config/words.h"

namespace causeway {
namespace {

std::string_view kind_name(YamlNode::Kind kind) {
    switch (kind) {
        case YamlNode::Kind::kNull:
            return "empty";
        case YamlNode::Kind::kScalar:
            return "a single value";
        case YamlNode::Kind::kSequence:
            return "a list";
        case YamlNode::Kind::kMap:
            return "a mapping";
    }
    return "nothing known";
}

}  // namespace

bool is_value(const YamlNode& node, const std::string& path, ConfigErrors& errors) {
    if (node.kind == YamlNode::Kind::kScalar) return true;
    errors.add(node.mark, path,
               node.kind == YamlNode::Kind::kNull
                   ? "is empty: give a value, or leave the key out"
                   : fmt::format("is {}: give a single value", kind_name(node.kind)));
    return false;
}

MapReader::MapReader(const YamlNode& node, std::string path, ConfigErrors& errors)
    : node_(node),
      path_(std::move(path)),
      errors_(errors),
      is_map_(node.kind == YamlNode::Kind::kMap) {
    if (is_map_) {
        refuse_repeated_keys();
    } else {
        errors_.add(node.mark, path_,
                    fmt::format("is {}: give a mapping (KEY: VALUE)", kind_name(node.kind)));
    }
}

void MapReader::refuse_repeated_keys() {
    std::unordered_map<std::string_view, unsigned> lines;
    for (const YamlNode& child : node_.children) {
        const auto [first, is_new] = lines.try_emplace(child.key, child.key_mark.line);
        if (is_new) continue;
        errors_.add(child.key_mark, path_of(quotable(child.key)),
                    fmt::format("the key is given twice, first in line {}: keep one of them",
                                first->second));
    }
}

const YamlNode* MapReader::find(std::string_view key) {
    if (std::ranges::find(known_, key) == known_.end()) known_.push_back(key);
    return is_map_ ? node_.find(key) : nullptr;
}

const YamlNode* MapReader::find_required(std::string_view key) {
    const YamlNode* found = find(key);
    if (found == nullptr && is_map_) {
        errors_.add(node_.mark, path_of(key), fmt::format("is missing: add \"{}\"", key));
    }
    return found;
}

const YamlNode* MapReader::find_list(std::string_view key, std::size_t count_max) {
    const YamlNode* list = find(key);
    if (list == nullptr || list->kind == YamlNode::Kind::kNull) return nullptr;
    if (list->kind != YamlNode::Kind::kSequence) {
        errors_.add(list->mark, path_of(key),
                    fmt::format("is {}: give a list (- ITEM, one a line, or [ITEM, ITEM])",
                                kind_name(list->kind)));
        return nullptr;
    }
    if (list->children.size() > count_max) {
        errors_.add(list->mark, path_of(key),
                    fmt::format("has {} entries: at most {} are possible", list->children.size(),
                                count_max));
        return nullptr;
    }
    return list;
}

void MapReader::refuse_other_keys() {
    for (const YamlNode& child : node_.children) {
        if (!is_map_ || std::ranges::find(known_, child.key) != known_.end()) continue;
        errors_.add(child.key_mark, path_of(quotable(child.key)),
                    "unknown key" + suggestion(child.key, known_));
    }
}

}  // namespace causeway
