// SPDX-License-Identifier: Apache-2.0
//
// MapReader: typed access to one mapping of a configuration document. Every fault becomes an error
// with line and path, and reading goes on, so that one run finds all of them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "control/config/errors.h"
#include "control/config/yaml_tree.h"

namespace causeway {

// Whether the node is a plain value. If not, says so.
[[nodiscard]] bool is_value(const YamlNode& node, const std::string& path, ConfigErrors& errors);

// Reads one value with `parse`: string_view -> Result<T>. `into` is untouched on an error.
template <class T, class Parse>
void read_value(const YamlNode& node, const std::string& path, ConfigErrors& errors, T& into,
                const Parse& parse) {
    if (!is_value(node, path, errors)) return;
    auto parsed = parse(std::string_view(node.text));
    if (parsed) {
        into = std::move(parsed).value();
    } else {
        errors.add(node.mark, path, parsed.error().message);
    }
}

class MapReader {
  public:
    // Reports a node that is no mapping, which then reads as an empty one, and repeated keys. The
    // node and the errors must outlive the reader.
    MapReader(const YamlNode& node, std::string path, ConfigErrors& errors);

    template <class T, class Parse>
    void required(std::string_view key, T& into, const Parse& parse) {
        if (const YamlNode* node = find_required(key)) {
            read_value(*node, path_of(key), errors_, into, parse);
        }
    }
    template <class T, class Parse>
    void optional(std::string_view key, T& into, const Parse& parse) {
        if (const YamlNode* node = find(key)) {
            read_value(*node, path_of(key), errors_, into, parse);
        }
    }
    // A list of values. Bad ones hold their index with a default, so that the path of the others
    // is true.
    template <class T, class Parse>
    void values(std::string_view key, std::size_t count_max, std::vector<T>& into,
                const Parse& parse) {
        each(key, count_max, [&](const YamlNode& node, const std::string& path) {
            read_value(node, path, errors_, into.emplace_back(), parse);
        });
    }
    // Calls visit(node, path) for each element of a list; of none where the key is absent or empty.
    template <class Visit>
    void each(std::string_view key, std::size_t count_max, const Visit& visit) {
        const YamlNode* list = find_list(key, count_max);
        if (list == nullptr) return;
        for (std::size_t i = 0; i < list->children.size(); ++i) {
            visit(list->children[i], element(path_of(key), i));
        }
    }

    // To be called last: reports every key that none of the above asked for.
    void refuse_other_keys();

    [[nodiscard]] const YamlNode* find(std::string_view key);
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::string path_of(std::string_view key) const { return member(path_, key); }
    [[nodiscard]] ConfigErrors& errors() noexcept { return errors_; }

  private:
    void refuse_repeated_keys();
    [[nodiscard]] const YamlNode* find_required(std::string_view key);
    [[nodiscard]] const YamlNode* find_list(std::string_view key, std::size_t count_max);

    const YamlNode& node_;
    std::string path_;
    ConfigErrors& errors_;
    std::vector<std::string_view> known_;
    bool is_map_;
};

}  // namespace causeway
