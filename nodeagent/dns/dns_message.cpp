#include "nodeagent/dns/dns_message.h"

#include <algorithm>
#include <utility>

namespace mainstay {
namespace {

constexpr size_t kHeaderSize = 12;
constexpr size_t kOptSize = 11;
constexpr size_t kMostName = 255;
constexpr size_t kMostLabel = 63;
constexpr size_t kMostKnownNames = 64;  // a bound on the work of one message's compression
constexpr size_t kMostPointer = 0x3fff;

constexpr uint8_t kResponseBit = 0x80, kAuthoritativeBit = 0x04, kTruncatedBit = 0x02, kDesiredBit = 0x01;
constexpr uint8_t kAvailableBit = 0x80, kAuthenticBit = 0x20, kUncheckedBit = 0x10;

uint16_t read16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// A name that may end in a pointer, as records of a question's additional section have; only its length
// counts.
size_t skip_name(std::string_view bytes, size_t at) {
  for (size_t steps = 0; at < bytes.size() && steps <= kMostName; ++steps) {
    auto length = static_cast<uint8_t>(bytes[at]);
    if (length == 0) return at + 1;
    if ((length & 0xc0) == 0xc0) return at + 2;
    if (length > kMostLabel) return std::string_view::npos;
    at += 1 + length;
  }
  return std::string_view::npos;
}

// The one record of a question we understand. False: the message is malformed.
bool read_options(std::string_view packet, size_t at, size_t skipped, size_t records, DnsInput& input) {
  for (size_t i = 0; i < skipped + records; ++i) {
    bool root = at < packet.size() && packet[at] == 0;
    at = skip_name(packet, at);
    if (at == std::string_view::npos || at + 10 > packet.size()) return false;
    size_t end = at + 10 + read16(packet, at + 8);
    if (end > packet.size()) return false;
    if (i >= skipped && read16(packet, at) == kDnsOpt) {
      if (input.question.edns || !root) return false;
      input.question.edns = true;
      input.question.udp_size = std::clamp<size_t>(read16(packet, at + 2), 512, kDnsUdpSize);
      input.question.dnssec_ok = (static_cast<uint8_t>(packet[at + 6]) & 0x80) != 0;
      if (packet[at + 5] != 0) {
        input.kind = DnsInput::Kind::kRefuse;
        input.rcode = DnsRcode::kBadVersion;
      }
    }
    at = end;
  }
  return true;
}

// Writes a message; remembers where names stand, to point at them.
class Writer {
 public:
  explicit Writer(std::string_view start) {
    out_.reserve(512);
    out_ = start;
    known_.reserve(16);
  }

  void put16(uint16_t value) {
    out_ += static_cast<char>(value >> 8);
    out_ += static_cast<char>(value & 0xff);
  }
  void put32(uint32_t value) {
    put16(static_cast<uint16_t>(value >> 16));
    put16(static_cast<uint16_t>(value & 0xffff));
  }
  void put(std::string_view bytes) { out_ += bytes; }

  // A name stands at `at`: later ones may point there, or into its end. `name` must outlive the writer.
  void know(std::string_view name, size_t at) {
    while (name.size() > 1 && known_.size() < kMostKnownNames && at <= kMostPointer) {
      known_.emplace_back(name, static_cast<uint16_t>(at));
      size_t step = 1 + static_cast<uint8_t>(name[0]);
      name.remove_prefix(step);
      at += step;
    }
  }

  void put_name(std::string_view name) {
    std::string_view rest = name;
    while (rest.size() > 1) {
      auto found = std::find_if(known_.begin(), known_.end(), [&](auto& one) { return one.first == rest; });
      if (found != known_.end()) {
        size_t at = out_.size();
        out_ += name.substr(0, name.size() - rest.size());
        put16(static_cast<uint16_t>(0xc000 | found->second));
        if (rest.size() != name.size()) know_start(name, rest, at);
        return;
      }
      rest.remove_prefix(1 + static_cast<uint8_t>(rest[0]));
    }
    know(name, out_.size());
    out_ += name;
  }

  // False, and nothing written, if it would grow above `limit`.
  bool put_record(const DnsRecord& record, size_t limit) {
    size_t before = out_.size(), known = known_.size();
    if (record.owner.empty()) {
      put16(0xc000 | kHeaderSize);
    } else {
      put_name(record.owner);
    }
    put16(record.type);
    put16(record.klass);
    put32(record.ttl);
    put16(static_cast<uint16_t>(record.rdata.size()));
    size_t names_at = record.type == kDnsSrv ? 6 : 0;
    bool has_name = record.type == kDnsSrv || record.type == kDnsCname || record.type == kDnsPtr;
    // Not compressed themselves (RFC 2782 forbids it for SRV), but there to be pointed at.
    if (has_name && record.rdata.size() > names_at) {
      know(std::string_view(record.rdata).substr(names_at), out_.size() + names_at);
    }
    out_ += record.rdata;
    if (out_.size() <= limit) return true;
    out_.resize(before);
    known_.resize(known);
    return false;
  }

  size_t size() const { return out_.size(); }
  std::string& bytes() { return out_; }

 private:
  void know_start(std::string_view name, std::string_view until, size_t at) {
    while (name.size() > until.size() && known_.size() < kMostKnownNames && at <= kMostPointer) {
      known_.emplace_back(name, static_cast<uint16_t>(at));
      size_t step = 1 + static_cast<uint8_t>(name[0]);
      name.remove_prefix(step);
      at += step;
    }
  }

  std::string out_;
  std::vector<std::pair<std::string_view, uint16_t>> known_;
};

std::string header(uint16_t id, uint8_t flags, uint8_t more_flags) {
  std::string out(kHeaderSize, '\0');
  out[0] = static_cast<char>(id >> 8);
  out[1] = static_cast<char>(id & 0xff);
  out[2] = static_cast<char>(flags);
  out[3] = static_cast<char>(more_flags);
  return out;
}

void set_count(std::string& message, size_t index, size_t count) {
  message[4 + 2 * index] = static_cast<char>(count >> 8);
  message[5 + 2 * index] = static_cast<char>(count & 0xff);
}

std::string options_record(size_t udp_size, uint8_t high_rcode, bool dnssec_ok) {
  std::string out(kOptSize, '\0');
  out[2] = kDnsOpt;
  out[3] = static_cast<char>(udp_size >> 8);
  out[4] = static_cast<char>(udp_size & 0xff);
  out[5] = static_cast<char>(high_rcode);
  out[7] = static_cast<char>(dnssec_ok ? 0x80 : 0);
  return out;
}

size_t put_section(Writer& writer, const std::vector<DnsRecord>& records, size_t limit) {
  size_t count = 0;
  while (count < records.size() && writer.put_record(records[count], limit)) ++count;
  return count;
}

}  // namespace

DnsInput parse_dns_input(std::string_view packet) {
  DnsInput out;
  if (packet.size() < kHeaderSize || (static_cast<uint8_t>(packet[2]) & kResponseBit) != 0) return out;
  out.kind = DnsInput::Kind::kRefuse;
  out.rcode = DnsRcode::kFormatError;
  out.opcode = static_cast<uint8_t>(packet[2]) >> 3 & 0xf;
  DnsQuestion& question = out.question;
  question.id = read16(packet, 0);
  question.recursion_desired = (packet[2] & kDesiredBit) != 0;
  question.checking_disabled = (packet[3] & kUncheckedBit) != 0;
  if (out.opcode != 0) {
    out.rcode = DnsRcode::kNotImplemented;
    return out;
  }
  if (read16(packet, 4) != 1) return out;
  size_t name_size = dns_name_length(packet.substr(kHeaderSize));
  size_t end = kHeaderSize + name_size + 4;
  if (name_size == 0 || end > packet.size()) return out;
  question.name = dns_lower(packet.substr(kHeaderSize, name_size));
  question.raw = packet.substr(kHeaderSize, name_size + 4);
  question.type = read16(packet, end - 4);
  question.klass = read16(packet, end - 2);
  out.kind = DnsInput::Kind::kQuestion;
  out.rcode = DnsRcode::kNoError;
  size_t skipped = size_t{read16(packet, 6)} + read16(packet, 8);
  if (!read_options(packet, end, skipped, read16(packet, 10), out)) {
    out.kind = DnsInput::Kind::kRefuse;
    out.rcode = DnsRcode::kFormatError;
    return out;
  }
  bool transfer = question.type == kDnsAxfr || question.type == kDnsIxfr;
  if (out.kind == DnsInput::Kind::kQuestion && (transfer || question.klass != kDnsInternet)) {
    out.kind = DnsInput::Kind::kRefuse;
    out.rcode = DnsRcode::kRefused;
  }
  return out;
}

std::string encode_dns_reply(const DnsQuestion& question, const DnsReply& reply, size_t limit,
                             bool recursion) {
  auto flags = static_cast<uint8_t>(kResponseBit | (reply.authoritative ? kAuthoritativeBit : 0) |
                                    (question.recursion_desired ? kDesiredBit : 0));
  auto rcode = static_cast<uint8_t>(reply.rcode);
  auto more =
      static_cast<uint8_t>((recursion ? kAvailableBit : 0) | (reply.authenticated ? kAuthenticBit : 0) |
                           (question.checking_disabled ? kUncheckedBit : 0) | (rcode & 0xf));
  Writer writer(header(question.id, flags, more));
  size_t room = limit - (question.edns ? kOptSize : 0);
  writer.put(question.raw);
  if (!question.raw.empty()) writer.know(question.name, kHeaderSize);
  size_t answers = put_section(writer, reply.answers, room);
  bool whole = answers == reply.answers.size();
  size_t authority = whole ? put_section(writer, reply.authority, room) : 0;
  size_t additional = whole ? put_section(writer, reply.additional, room) : 0;
  if (question.edns) {
    writer.put(options_record(kDnsUdpSize, static_cast<uint8_t>(rcode >> 4), question.dnssec_ok));
    ++additional;
  }
  std::string& out = writer.bytes();
  if (!whole) out[2] = static_cast<char>(out[2] | kTruncatedBit);
  set_count(out, 0, question.raw.empty() ? 0 : 1);
  set_count(out, 1, answers);
  set_count(out, 2, authority);
  set_count(out, 3, additional);
  return std::move(out);
}

std::string encode_dns_refusal(const DnsInput& input) {
  DnsReply reply;
  reply.rcode = input.rcode;
  std::string out = encode_dns_reply(input.question, reply, kDnsUdpSize, false);
  out[2] = static_cast<char>(static_cast<uint8_t>(out[2]) | input.opcode << 3);
  return out;
}

void shuffle_answers(DnsReply& reply, Rng& rng) {
  std::vector<DnsRecord>& list = reply.answers;
  for (size_t begin = 0; begin < list.size();) {
    size_t end = begin + 1;
    while (end < list.size() && list[end].type == list[begin].type && list[end].owner == list[begin].owner)
      ++end;
    bool is_set = list[begin].type == kDnsA || list[begin].type == kDnsAaaa || list[begin].type == kDnsSrv;
    for (size_t i = end - 1; is_set && i > begin; --i) {
      size_t other = begin + rng.below(i - begin + 1);
      if (other != i) std::swap(list[i], list[other]);
    }
    begin = end;
  }
}

std::string encode_upstream_question(uint16_t id, const DnsQuestion& question, bool edns) {
  std::string out = header(id, kDesiredBit, question.checking_disabled ? kUncheckedBit : 0);
  out += question.name;
  out += static_cast<char>(question.type >> 8);
  out += static_cast<char>(question.type & 0xff);
  out += static_cast<char>(question.klass >> 8);
  out += static_cast<char>(question.klass & 0xff);
  if (edns) out += options_record(kDnsUdpSize, 0, question.dnssec_ok);
  set_count(out, 0, 1);
  set_count(out, 3, edns ? 1 : 0);
  return out;
}

std::optional<std::string> dns_name(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  std::string out;
  while (!text.empty()) {
    size_t dot = text.find('.');
    std::string_view label = text.substr(0, dot);
    if (label.empty() || label.size() > kMostLabel) return std::nullopt;
    out += static_cast<char>(label.size());
    for (char c : label) out += lower(c);
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
    if (text.empty()) return std::nullopt;
  }
  out += '\0';
  if (out.size() > kMostName) return std::nullopt;
  return out;
}

std::string dns_text(std::string_view name) {
  std::string out;
  while (!name.empty() && name[0] != 0) {
    size_t length = std::min<size_t>(static_cast<uint8_t>(name[0]), name.size() - 1);
    for (char c : name.substr(1, length)) {
      bool plain = (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      auto value = static_cast<uint8_t>(c);
      if (plain) {
        out += c;
      } else {
        out += '\\';
        for (int digit : {value / 100, value / 10 % 10, value % 10}) out += static_cast<char>('0' + digit);
      }
    }
    out += '.';
    name.remove_prefix(1 + length);
  }
  return out.empty() ? "." : out;
}

std::string dns_lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = lower(c);
  return out;
}

bool dns_is_below(std::string_view name, std::string_view zone) {
  while (name.size() > zone.size()) name = dns_parent(name);
  return !zone.empty() && name == zone;
}

std::string_view dns_parent(std::string_view name) {
  return name.size() < 2 ? std::string_view() : name.substr(1 + static_cast<uint8_t>(name[0]));
}

size_t dns_name_length(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size() && at < kMostName) {
    auto length = static_cast<uint8_t>(bytes[at]);
    if (length == 0) return at + 1;
    if (length > kMostLabel) return 0;
    at += 1 + length;
  }
  return 0;
}

}  // namespace mainstay
