// SPDX-License-Identifier: Apache-2.0
#include "control/config/yaml_tree.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <utility>

#include "base/limits.h"

namespace causeway {
namespace {

YamlMark mark_of(const YAML::Mark& mark) {
    if (mark.is_null()) return {};
    return {static_cast<unsigned>(mark.line) + 1, static_cast<unsigned>(mark.column) + 1};
}

// Valid UTF-8 (RFC 3629) of assigned or assignable characters. yaml-cpp reads anything else as it
// is, but writes U+FFFD for it, so that a saved configuration would be another one.
bool is_text(std::string_view text) {
    if (!simdjson::validate_utf8(text)) return false;
    char32_t code = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool continues = (byte & 0xc0) == 0x80;
        const unsigned kept = continues ? 0x3f : byte < 0x80 ? 0x7f : byte < 0xe0 ? 0x1f : 0x0f;
        code = (continues ? code << 6 : 0) | (byte & kept);
        const bool is_last = i + 1 == text.size() || (text[i + 1] & 0xc0) != 0x80;
        const bool is_no_character =
            (code & 0xfffe) == 0xfffe || (code >= 0xfdd0 && code <= 0xfdef);  // Unicode 23.7
        if (is_last && is_no_character) return false;
    }
    return true;
}

// Turns yaml-cpp's events into the tree. After the first fault it ignores what follows: a handler
// could stop the parser only by throwing.
//
// Invariant: open_ holds the path from the root to the innermost open collection. Only that one
// gains children, so the pointers to those above it stay valid.
class TreeBuilder final : public YAML::EventHandler {
  public:
    explicit TreeBuilder(YamlDocument& document) : document_(document) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ == 2) refuse(mark, "a second document begins here: give exactly one");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        if (!accepts(mark, {}, anchor)) return;
        if (expects_key()) return refuse(mark, "a key is missing before the colon");
        const YamlMark before = place_before_next();
        if (YamlNode* node = add(YamlNode::Kind::kNull, mark)) node->mark = before;
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        refuse(mark, "aliases (*name) are not supported: write the value out");
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        if (!accepts(mark, tag, anchor)) return;
        if (!is_text(value)) return refuse(mark, "not text in UTF-8");
        if (expects_key()) {
            open_.back().key = value;
            open_.back().key_mark = mark_of(mark);
            open_.back().has_key = true;
        } else if (YamlNode* node = add(YamlNode::Kind::kScalar, mark)) {
            node->text = value;
        }
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::kSequence, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(YamlNode::Kind::kMap, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

  private:
    struct Open {
        YamlNode* node;
        bool has_key = false;  // maps only: a key was read, its value comes next
        std::string key;
        YamlMark key_mark;
    };

    void refuse(const YAML::Mark& mark, std::string message) {
        if (!document_.fault) document_.fault = YamlFault{mark_of(mark), std::move(message)};
    }

    bool accepts(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            refuse(mark, "anchors (&name) are not supported: write the value out where it is used");
        } else if (!tag.empty() && tag != "?" && tag != "!") {  // plain and quoted scalars
            refuse(mark, "tags (!name) are not supported: leave the tag out");
        }
        return !document_.fault;
    }

    [[nodiscard]] bool expects_key() const {
        return !open_.empty() && open_.back().node->kind == YamlNode::Kind::kMap &&
               !open_.back().has_key;
    }

    // yaml-cpp gives an empty value the place of whatever comes next, which may be lines away. The
    // place of what comes before is nearer to what the operator must change.
    [[nodiscard]] YamlMark place_before_next() const {
        if (open_.empty()) return {};
        if (open_.back().has_key) return open_.back().key_mark;
        const YamlNode& sequence = *open_.back().node;
        return sequence.children.empty() ? sequence.mark : sequence.children.back().mark;
    }

    YamlNode* add(YamlNode::Kind kind, const YAML::Mark& mark) {
        if (++nodes_ > kConfigNodesMax) {
            refuse(mark, fmt::format("the document has more than {} values: it is too large",
                                     kConfigNodesMax));
            return nullptr;
        }
        YamlNode* node = &document_.root;
        if (!open_.empty()) {
            node = &open_.back().node->children.emplace_back();
            node->key = std::exchange(open_.back().key, {});
            node->key_mark = open_.back().key_mark;
            open_.back().has_key = false;
        }
        node->kind = kind;
        node->mark = mark_of(mark);
        return node;
    }

    void open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
              YAML::anchor_t anchor) {
        if (!accepts(mark, tag, anchor)) return;
        if (expects_key()) return refuse(mark, "a key must be a word, not a list or a mapping");
        if (open_.size() == kConfigDepthMax) {
            return refuse(mark, fmt::format("nested more than {} levels deep: a configuration "
                                            "needs 6",
                                            kConfigDepthMax));
        }
        if (YamlNode* node = add(kind, mark))
            open_.push_back({.node = node, .key = {}, .key_mark = {}});
    }

    void close() {
        if (!document_.fault) open_.pop_back();
    }

    YamlDocument& document_;
    std::vector<Open> open_;
    std::size_t nodes_ = 0;
    unsigned documents_ = 0;
};

// yaml-cpp takes byte 4 for the end of the text and would read half a document without a word; no
// control character but tab and line ends has business in a configuration anyway.
std::optional<YamlFault> find_control_character(std::string_view text) {
    const auto is_bad = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
    };
    const auto bad = std::ranges::find_if(text, is_bad);
    if (bad == text.end()) return std::nullopt;
    const auto before = text.substr(0, static_cast<std::size_t>(bad - text.begin()));
    const auto line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
    const YamlMark mark{static_cast<unsigned>(std::ranges::count(before, '\n')) + 1,
                        static_cast<unsigned>(before.size() - line_begin) + 1};
    return YamlFault{mark, fmt::format("control character 0x{:02x}: the document must be text in "
                                       "UTF-8",
                                       static_cast<unsigned char>(*bad))};
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view wanted) const noexcept {
    const auto found = std::ranges::find(children, wanted, &YamlNode::key);
    return found == children.end() ? nullptr : &*found;
}

YamlDocument parse_yaml(std::string_view text) {
    YamlDocument document;
    if (text.size() > kConfigBytesMax) {
        document.fault =
            YamlFault{{}, fmt::format("the document is larger than {} MiB", kConfigBytesMax >> 20)};
        return document;
    }
    document.fault = find_control_character(text);
    if (document.fault) return document;
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        TreeBuilder builder(document);
        while (!document.fault && parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::DeepRecursion& error) {
        if (!document.fault) document.fault = YamlFault{mark_of(error.mark), error.msg};
    } catch (const YAML::Exception& error) {
        // Also where the builder has refused something before: a bracket that is missing makes
        // strange keys out of what follows, and the bracket is what the operator must know of.
        document.fault = YamlFault{mark_of(error.mark), "not valid YAML: " + error.msg};
    } catch (const std::exception& error) {
        document.fault = YamlFault{{}, fmt::format("the YAML parser failed: {}", error.what())};
    }
    return document;
}

}  // namespace causeway
