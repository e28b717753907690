// SPDX-License-Identifier: Apache-2.0
//
// ConfigErrors: all that is wrong with a document so far. Readers and rules name a path; the place
// in the text is found from it, so no value has to carry its line along.
//
// A path that has an error is bad: its value in Config is a default that means nothing, and a rule
// must not judge it, or one mistake would be reported as two.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/limits.h"
#include "control/config/config.h"
#include "control/config/yaml_tree.h"

namespace causeway {

// "circuits" + 1 -> "circuits[1]"; "circuits[1]" + "c-tag" -> "circuits[1].c-tag".
[[nodiscard]] std::string member(std::string_view path, std::string_view key);
[[nodiscard]] std::string element(std::string_view path, std::size_t index);

class ConfigErrors {
  public:
    // The tree must outlive this.
    explicit ConfigErrors(const YamlNode& root) : root_(root) {}

    void add(YamlMark mark, std::string path, std::string message);
    void add(std::string path, std::string message);  // at the place of the path

    // How many there are so far, listed or not.
    [[nodiscard]] std::size_t count() const noexcept { return errors_.size() + unlisted_; }
    // A remark with the place of its path; it is not added.
    [[nodiscard]] ConfigError remark(std::string path, std::string message) const;
    // Whether one error more would only be counted, so its message need not cost much.
    [[nodiscard]] bool is_full() const noexcept { return errors_.size() == kConfigErrorsMax; }
    [[nodiscard]] bool is_bad(const std::string& path) const { return bad_.contains(path); }
    [[nodiscard]] bool is_given(std::string_view path) const { return find(path).is_whole; }
    [[nodiscard]] unsigned line_of(std::string_view path) const { return find(path).mark.line; }

    // Everything added, in the order of the document.
    [[nodiscard]] std::vector<ConfigError> take();

  private:
    struct Found {
        YamlMark mark;  // of the last part of the path that the document has
        bool is_whole;
    };
    [[nodiscard]] Found find(std::string_view path) const;

    const YamlNode& root_;
    std::vector<ConfigError> errors_;  // the first kConfigErrorsMax
    std::size_t unlisted_ = 0;
    std::unordered_set<std::string> bad_;
};

}  // namespace causeway
