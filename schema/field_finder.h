// FieldFinder: the fields of one struct by their names. Texts mostly keep the order of the table, so the search goes on
// where the last one ended. One thread at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "schema/descriptor.h"

namespace mainstay {

inline constexpr size_t kNoField = static_cast<size_t>(-1);

class FieldFinder {
 public:
  explicit FieldFinder(std::span<const FieldDesc> fields) : fields_(fields) {}

  // The index of the field, or kNoField.
  size_t find(std::string_view name) {
    for (size_t step = 0, i = next_; step < fields_.size(); ++step, ++i) {
      if (i >= fields_.size()) i = 0;
      if (fields_[i].name == name) {
        next_ = i + 1;
        return i;
      }
    }
    return kNoField;
  }

 private:
  std::span<const FieldDesc> fields_;
  size_t next_ = 0;
};

}  // namespace mainstay
