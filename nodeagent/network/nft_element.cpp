#include "nodeagent/network/nft_element.h"

#include <netinet/in.h>  // before the kernel's own

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <charconv>
#include <string_view>

#include "nodeagent/network/ipv4.h"
#include "nodeagent/network/netlink_message.h"

namespace mainstay {
namespace {

using Field = NftShape::Field;

constexpr size_t kMostInMessage = 32 << 10;  // an attribute holds 64 KiB
constexpr size_t kMostInBatch = 128 << 10;   // what a socket takes at once
constexpr std::string_view kBetween = " . ";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (true) {
    size_t end = text.find(kBetween);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + kBetween.size());
  }
}

std::optional<Field> field_of(std::string_view word) {
  if (word == "ipv4_addr" || word == "ip daddr" || word == "ip saddr") return Field::kAddress;
  if (word == "inet_proto") return Field::kProtocol;
  if (word == "inet_service" || word.ends_with(" dport")) return Field::kPort;
  if (word.starts_with("numgen ")) return Field::kNumber;
  return std::nullopt;
}

bool read_fields(std::string_view text, std::vector<Field>& out) {
  for (std::string_view word : words_of(text)) {
    std::optional<Field> field = field_of(word);
    if (!field) return false;
    out.push_back(*field);
  }
  return true;
}

template <typename T>
void add_bytes(std::string& out, T number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
  out.resize((out.size() + 3) / 4 * 4);  // each part of a key fills whole registers
}

bool add_field(std::string& out, Field field, std::string_view word) {
  if (field == Field::kAddress) {
    std::optional<uint32_t> address = parse_ipv4(word);
    if (address) add_bytes(out, htonl(*address));
    return address.has_value();
  }
  uint32_t number = 0;
  auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (failed != std::errc() || end != word.data() + word.size() || word.empty()) return false;
  if (field == Field::kNumber) add_bytes(out, number);  // as numgen puts it into a register
  if (field == Field::kPort) add_bytes(out, htons(static_cast<uint16_t>(number)));
  if (field == Field::kProtocol) add_bytes(out, static_cast<uint8_t>(number));
  uint32_t most = field == Field::kNumber ? UINT32_MAX : field == Field::kPort ? UINT16_MAX : UINT8_MAX;
  return number <= most;
}

std::optional<std::string> encode_fields(const std::vector<Field>& fields, const std::string& text) {
  std::vector<std::string_view> words = words_of(text);
  if (words.size() != fields.size()) return std::nullopt;
  std::string bytes, out;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (!add_field(bytes, fields[i], words[i])) return std::nullopt;
  }
  // A port alone is two bytes, a protocol one: only parts of a whole are padded.
  if (fields.size() == 1 && fields[0] == Field::kPort) bytes.resize(2);
  if (fields.size() == 1 && fields[0] == Field::kProtocol) bytes.resize(1);
  add_attribute(out, NFTA_DATA_VALUE, bytes);
  return out;
}

std::optional<std::string> encode_verdict(const std::string& text) {
  constexpr std::string_view kGoto = "goto ";
  std::string verdict, out;
  if (text == "drop" || text == "accept") {
    add_number(verdict, NFTA_VERDICT_CODE, text == "drop" ? NF_DROP : NF_ACCEPT);
  } else if (text.starts_with(kGoto)) {
    add_number(verdict, NFTA_VERDICT_CODE, static_cast<uint32_t>(NFT_GOTO));
    add_name(verdict, NFTA_VERDICT_CHAIN, text.substr(kGoto.size()));
  } else {
    return std::nullopt;
  }
  add_nested(out, NFTA_DATA_VERDICT, verdict);
  return out;
}

NetfilterMessage frame(uint16_t type) {
  NetfilterMessage out;
  out.type = type;
  out.family = AF_UNSPEC;
  out.resource = NFNL_SUBSYS_NFTABLES;
  return out;
}

// Messages that add or delete elements, one for each run of elements of one set.
class ElementMessages {
 public:
  ElementMessages(uint16_t verb, const std::string& table, const NftTable& content)
      : verb_(verb), table_(table), content_(content) {}

  bool add(const NftElement& element) {
    if (element.set != set_ || list_.size() > kMostInMessage) {
      close();
      auto found = content_.sets.find(element.set);
      shape_ = found == content_.sets.end() ? std::nullopt : nft_shape(found->second);
      set_ = element.set;
    }
    std::optional<std::string> bytes;
    if (shape_) bytes = encode_element(*shape_, element, verb_ == NFT_MSG_DELSETELEM);
    if (bytes) list_ += *bytes;
    return bytes.has_value();
  }

  std::vector<NetfilterMessage> take() {
    close();
    return std::move(out_);
  }

 private:
  void close() {
    if (list_.empty()) return;
    NetfilterMessage message;
    message.type = static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | verb_);
    message.flags = verb_ == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0;
    add_name(message.attributes, NFTA_SET_ELEM_LIST_TABLE, table_);
    add_name(message.attributes, NFTA_SET_ELEM_LIST_SET, set_);
    add_nested(message.attributes, NFTA_SET_ELEM_LIST_ELEMENTS, list_);
    out_.push_back(std::move(message));
    list_.clear();
  }

  const uint16_t verb_;
  const std::string& table_;
  const NftTable& content_;
  std::string set_, list_;
  std::optional<NftShape> shape_;
  std::vector<NetfilterMessage> out_;
};

}  // namespace

std::optional<NftShape> nft_shape(const NftSet& set) {
  std::string_view text = set.type;
  size_t end = text.find(';');
  bool plain = !set.intervals && !set.learned && end != std::string_view::npos && end + 1 == text.size();
  if (!plain) return std::nullopt;
  text = text.substr(0, end);
  for (std::string_view word : {"typeof ", "type "}) {
    if (text.starts_with(word)) text.remove_prefix(word.size());
  }
  size_t colon = text.find(" : ");
  NftShape out;
  if (!read_fields(text.substr(0, colon), out.key)) return std::nullopt;
  if (set.map != (colon != std::string_view::npos)) return std::nullopt;
  if (!set.map) return out;
  std::string_view value = text.substr(colon + 3);
  out.verdict = value == "verdict";
  if (!out.verdict && !read_fields(value, out.value)) return std::nullopt;
  return out;
}

std::optional<std::string> encode_element(const NftShape& shape, const NftElement& element, bool only_key) {
  std::optional<std::string> key = encode_fields(shape.key, element.key);
  if (!key) return std::nullopt;
  std::string parts, out;
  add_nested(parts, NFTA_SET_ELEM_KEY, *key);
  if (!only_key && (shape.verdict || !shape.value.empty())) {
    std::optional<std::string> value =
        shape.verdict ? encode_verdict(element.value) : encode_fields(shape.value, element.value);
    if (!value) return std::nullopt;
    add_nested(parts, NFTA_SET_ELEM_DATA, *value);
  }
  add_nested(out, NFTA_LIST_ELEM, parts);
  return out;
}

std::optional<std::string> element_batch(const std::string& table, const NftTable& content,
                                         const NftElements& elements, uint32_t generation) {
  ElementMessages gone(NFT_MSG_DELSETELEM, table, content), added(NFT_MSG_NEWSETELEM, table, content);
  for (const NftElement& one : elements.gone) {
    if (!gone.add(one)) return std::nullopt;
  }
  for (const NftElement& one : elements.added) {
    if (!added.add(one)) return std::nullopt;
  }
  std::vector<NetfilterMessage> messages = gone.take(), more = added.take();
  std::move(more.begin(), more.end(), std::back_inserter(messages));
  if (messages.empty()) return std::nullopt;
  messages.back().flags |= NLM_F_ACK;  // one answer for all; an error is told in any case
  NetfilterMessage begin = frame(NFNL_MSG_BATCH_BEGIN);
  add_number(begin.attributes, NFNL_BATCH_GENID, generation);
  std::string out = encode_message(begin);
  for (const NetfilterMessage& message : messages) out += encode_message(message);
  out += encode_message(frame(NFNL_MSG_BATCH_END));
  return out.size() <= kMostInBatch ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace mainstay
