#include "nodeagent/network/ipv4.h"

#include <algorithm>
#include <bit>
#include <charconv>

namespace mainstay {

std::optional<Ipv4Range> parse_ipv4_block(const std::string& text) {
  size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  auto address = parse_ipv4(text.substr(0, slash));
  unsigned prefix = 0;
  const char* end = text.data() + text.size();
  auto [rest, problem] = std::from_chars(text.data() + slash + 1, end, prefix);
  if (!address || problem != std::errc() || rest != end || prefix > 32) return std::nullopt;
  uint32_t below = prefix == 0 ? UINT32_MAX : (uint32_t{1} << (32 - prefix)) - 1;
  return Ipv4Range{*address & ~below, *address | below};
}

namespace {

std::vector<Ipv4Range> joined(std::vector<Ipv4Range> ranges) {
  std::sort(ranges.begin(), ranges.end(), [](auto& a, auto& b) { return a.first < b.first; });
  std::vector<Ipv4Range> out;
  for (const Ipv4Range& range : ranges) {
    bool touches = !out.empty() && (out.back().last == UINT32_MAX || range.first <= out.back().last + 1);
    if (touches) {
      out.back().last = std::max(out.back().last, range.last);
    } else {
      out.push_back(range);
    }
  }
  return out;
}

}  // namespace

std::vector<Ipv4Range> without(std::vector<Ipv4Range> ranges, const std::vector<Ipv4Range>& holes) {
  std::vector<Ipv4Range> gaps = joined(holes);
  std::vector<Ipv4Range> out;
  for (Ipv4Range rest : joined(std::move(ranges))) {
    bool left = true;
    for (const Ipv4Range& gap : gaps) {
      if (gap.last < rest.first || gap.first > rest.last) continue;
      if (gap.first > rest.first) out.push_back({rest.first, gap.first - 1});
      left = gap.last < rest.last;
      if (!left) break;
      rest.first = gap.last + 1;
    }
    if (left) out.push_back(rest);
  }
  return out;
}

std::string range_text(const Ipv4Range& range) {
  if (range.first == range.last) return ipv4_text(range.first);
  uint32_t below = range.first ^ range.last;  // 0..01..1 if the range is a block
  bool block = (below & (below + 1)) == 0 && (range.first & below) == 0;
  if (!block) return ipv4_text(range.first) + "-" + ipv4_text(range.last);
  return ipv4_text(range.first) + "/" + std::to_string(32 - std::popcount(below));
}

}  // namespace mainstay
