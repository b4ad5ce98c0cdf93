#include "schema/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace mainstay {
namespace {

__extension__ using Wide = __int128;
using Format = Quantity::Format;

constexpr Wide kNano = 1'000'000'000;
constexpr Wide kMost = static_cast<Wide>(std::numeric_limits<int64_t>::max()) * kNano;

struct Suffix {
  std::string_view text;
  int power;  // of 10, or of 2 for binary ones
  bool binary;
};

constexpr std::array<Suffix, 16> kSuffixes = {{{"n", -9, false},
                                               {"u", -6, false},
                                               {"m", -3, false},
                                               {"", 0, false},
                                               {"k", 3, false},
                                               {"M", 6, false},
                                               {"G", 9, false},
                                               {"T", 12, false},
                                               {"P", 15, false},
                                               {"E", 18, false},
                                               {"Ki", 10, true},
                                               {"Mi", 20, true},
                                               {"Gi", 30, true},
                                               {"Ti", 40, true},
                                               {"Pi", 50, true},
                                               {"Ei", 60, true}}};

struct Scale {
  int64_t power10 = 0;
  int power2 = 0;
  Format format = Format::kDecimalSi;
};

std::optional<Scale> scale_of(std::string_view suffix) {
  for (const Suffix& known : kSuffixes) {
    if (known.text != suffix) continue;
    if (known.binary) return Scale{0, known.power, Format::kBinarySi};
    return Scale{known.power, 0, Format::kDecimalSi};
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  suffix.remove_prefix(1);
  bool negative = suffix[0] == '-';
  if (negative || suffix[0] == '+') suffix.remove_prefix(1);
  int64_t exponent = 0;
  auto [end, error] = std::from_chars(suffix.data(), suffix.data() + suffix.size(), exponent);
  if (suffix.empty() || suffix[0] == '-' || error != std::errc() || end != suffix.data() + suffix.size()) {
    return std::nullopt;
  }
  exponent = std::min<int64_t>(exponent, 1'000'000);  // far beyond both ends of what can be held
  return Scale{negative ? -exponent : exponent, 0, Format::kDecimalExponent};
}

// The digits as a decimal: `digits` times ten to the `power`. More than 27 significant digits before the
// point cannot be held and need not be: the value is cut long before that.
struct Decimal {
  Wide digits = 0;
  int64_t power = 0;
  bool inexact = false;  // something but zeros was dropped at the end
};

Decimal read_digits(std::string_view whole, std::string_view fraction) {
  Decimal out;
  constexpr Wide kRoom = kMost;  // one more digit still fits into 128 bits, twice over
  auto take = [&](char c, bool behind_point) {
    if (out.digits < kRoom / 10) {
      out.digits = out.digits * 10 + (c - '0');
      if (behind_point) --out.power;
    } else {
      out.inexact = out.inexact || c != '0';
      if (!behind_point) ++out.power;
    }
  };
  for (char c : whole) take(c, false);
  for (char c : fraction) take(c, true);
  return out;
}

// Billionths of the decimal, rounded up, cut at kMost.
Wide scaled(Decimal decimal, const Scale& scale) {
  if (decimal.digits == 0) return decimal.inexact ? 1 : 0;
  // The power of two first, exactly: its share of fives and tens is taken from the decimal's own power.
  int64_t power = decimal.power + scale.power10 + 9;
  Wide value = decimal.digits;
  bool inexact = decimal.inexact;
  // Bring the value to at most 1e27, so that neither step below can overflow; drop what is far too fine
  // anyway.
  for (int i = 0; i < scale.power2; ++i) {
    if (value > (kMost << 6)) {
      inexact = inexact || value % 10 != 0;
      value /= 10;
      ++power;
    }
    value *= 2;
  }
  for (; power > 0; --power) {
    if (value > kMost) return kMost;
    value *= 10;
  }
  for (; power < 0 && value > 0; ++power) {
    inexact = inexact || value % 10 != 0;
    value /= 10;
  }
  if (inexact) ++value;
  return std::min(value, kMost);
}

// value / divisor, rounded towards plus infinity.
Wide divide_up(Wide value, Wide divisor) {
  Wide quotient = value / divisor;
  return value % divisor > 0 ? quotient + 1 : quotient;
}

int64_t cut(Wide value) {
  constexpr Wide kLargest = std::numeric_limits<int64_t>::max(),
                 kSmallest = std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(std::clamp(value, kSmallest, kLargest));
}

std::string_view suffix_text(int power, bool binary) {
  for (const Suffix& known : kSuffixes) {
    if (known.binary == binary && known.power == power) return known.text;
  }
  return "";
}

}  // namespace

Quantity Quantity::of(int64_t units, Format format) {
  Quantity out;
  out.nano_ = static_cast<Wide>(units) * kNano;
  out.format_ = format;
  return out;
}

Quantity Quantity::of_milli(int64_t thousandths) {
  Quantity out;
  out.nano_ = static_cast<Wide>(thousandths) * (kNano / 1000);
  return out;
}

std::optional<Quantity> Quantity::parse(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  auto digits = [&] {
    size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    std::string_view found = text.substr(0, end);
    text.remove_prefix(end);
    return found;
  };
  std::string_view whole = digits(), fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = digits();
  }
  if (whole.empty() && fraction.empty()) return std::nullopt;
  auto scale = scale_of(text);
  if (!scale) return std::nullopt;
  Quantity out;
  out.nano_ = scaled(read_digits(whole, fraction), *scale);
  out.format_ = scale->format;
  // Less than one in a binary format could not be written without a fraction.
  if (out.format_ == Format::kBinarySi && out.nano_ > 0 && out.nano_ < kNano) {
    out.format_ = Format::kDecimalSi;
  }
  if (negative) out.nano_ = -out.nano_;
  return out;
}

std::string Quantity::text() const {
  if (nano_ == 0) return "0";
  Format format = format_;
  if (format == Format::kBinarySi &&
      ((nano_ > -1024 * kNano && nano_ < 1024 * kNano) || nano_ % kNano != 0)) {
    format = Format::kDecimalSi;
  }
  std::string out = nano_ < 0 ? "-" : "";
  // Whole numbers of billionths fit 64 bits only once the zeros at the end are off; so the digits come last.
  Wide amount = nano_ < 0 ? -nano_ : nano_;
  int power = 0;
  if (format == Format::kBinarySi) {
    amount /= kNano;
    for (; amount % 1024 == 0; amount /= 1024) power += 10;
  } else {
    power = -9;
    for (; amount % 1000 == 0; amount /= 1000) power += 3;
  }
  std::string digits;
  for (; amount > 0; amount /= 10) digits += static_cast<char>('0' + static_cast<int>(amount % 10));
  out.append(digits.rbegin(), digits.rend());
  if (format == Format::kDecimalExponent) {
    if (power != 0) out += "e" + std::to_string(power);
    return out;
  }
  out += suffix_text(power, format == Format::kBinarySi);
  return out;
}

int64_t Quantity::units() const { return cut(divide_up(nano_, kNano)); }
int64_t Quantity::milli() const { return cut(divide_up(nano_, kNano / 1000)); }

Quantity Quantity::operator+(const Quantity& other) const {
  Quantity out;
  out.nano_ = nano_ + other.nano_;
  out.format_ = nano_ == 0 ? other.format_ : format_;
  return out;
}

Quantity Quantity::operator-(const Quantity& other) const {
  Quantity out;
  out.nano_ = nano_ - other.nano_;
  out.format_ = nano_ == 0 ? other.format_ : format_;
  return out;
}

}  // namespace mainstay
