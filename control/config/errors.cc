// SPDX-License-Identifier: Apache-2.0
#include "control/config/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace causeway {
namespace {

// Takes the first step off a path: "[12]" as an index, else a key. Paths are made by member() and
// element(), of keys that the reader knows.
const YamlNode* take_step(std::string_view& path, const YamlNode& node) {
    if (path.starts_with('[')) {
        std::size_t index = 0;
        const auto end = std::from_chars(path.data() + 1, path.data() + path.size(), index).ptr;
        path.remove_prefix(static_cast<std::size_t>(end - path.data()) + 1);
        const bool exists = node.kind == YamlNode::Kind::kSequence && index < node.children.size();
        return exists ? &node.children[index] : nullptr;
    }
    if (path.starts_with('.')) path.remove_prefix(1);
    const std::string_view key = path.substr(0, path.find_first_of(".["));
    path.remove_prefix(key.size());
    return node.kind == YamlNode::Kind::kMap ? node.find(key) : nullptr;
}

}  // namespace

std::string member(std::string_view path, std::string_view key) {
    return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string element(std::string_view path, std::size_t index) {
    return fmt::format("{}[{}]", path, index);
}

void ConfigErrors::add(YamlMark mark, std::string path, std::string message) {
    bad_.insert(path);
    if (is_full()) {
        ++unlisted_;
    } else {
        errors_.push_back({mark.line, mark.column, std::move(path), std::move(message)});
    }
}

void ConfigErrors::add(std::string path, std::string message) {
    const YamlMark mark = find(path).mark;
    add(mark, std::move(path), std::move(message));
}

ConfigError ConfigErrors::remark(std::string path, std::string message) const {
    const YamlMark mark = find(path).mark;
    return {mark.line, mark.column, std::move(path), std::move(message)};
}

ConfigErrors::Found ConfigErrors::find(std::string_view path) const {
    const YamlNode* node = &root_;
    while (!path.empty()) {
        const YamlNode* next = take_step(path, *node);
        if (next == nullptr) return {node->mark, false};
        node = next;
    }
    return {node->mark, true};
}

std::vector<ConfigError> ConfigErrors::take() {
    std::ranges::stable_sort(
        errors_, {}, [](const ConfigError& error) { return std::tuple(error.line, error.column); });
    if (unlisted_ > 0) {
        errors_.push_back({0, 0, {}, fmt::format("{} more errors are not listed", unlisted_)});
    }
    return std::exchange(errors_, {});
}

}  // namespace causeway
