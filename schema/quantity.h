// Kubernetes' resource.Quantity: an exact decimal with a suffix (n u m "" k M G T P E, Ki Mi Gi Ti Pi Ei,
// or an exponent). Source of the rules: apimachinery resource.Quantity. Plain value; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mainstay {

class Quantity {
 public:
  enum class Format : uint8_t { kDecimalSi, kBinarySi, kDecimalExponent };

  Quantity() = default;
  static Quantity of(int64_t units, Format format = Format::kDecimalSi);
  static Quantity of_milli(int64_t thousandths);

  // Nothing if the text is no quantity. Finer than a billionth is rounded up; larger than 2^63-1 units is
  // cut.
  static std::optional<Quantity> parse(std::string_view text);

  // The canonical text: no fraction, the largest suffix that leaves an integer ("1.5Gi" -> "1536Mi").
  std::string text() const;

  // Rounded up (away from zero for positives), cut to int64.
  int64_t units() const;
  int64_t milli() const;
  bool is_zero() const { return nano_ == 0; }
  bool is_negative() const { return nano_ < 0; }
  Format format() const { return format_; }

  // Value comparison; the format does not count.
  friend auto operator<=>(const Quantity& a, const Quantity& b) { return a.nano_ <=> b.nano_; }
  friend bool operator==(const Quantity& a, const Quantity& b) { return a.nano_ == b.nano_; }
  // The format of the left side stays, unless it is zero.
  Quantity operator+(const Quantity& other) const;
  Quantity operator-(const Quantity& other) const;

 private:
  __extension__ using Wide = __int128;
  Wide nano_ = 0;
  Format format_ = Format::kDecimalSi;
};

}  // namespace mainstay
