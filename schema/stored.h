// Reading back what encoded() and to_json() wrote: straight from the text into the structs, without a tree of Values
// between them, several times as fast as decode_object(). The text must be JSON; the types in it are trusted. A member
// that is unknown or of another type is left out: a newer version may have written it. Pure; any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "schema/base/result.h"
#include "schema/object.h"

namespace mainstay {

// Reads one text after another, keeping its buffers. One thread at a time.
class StoredParser {
 public:
  StoredParser();
  ~StoredParser();
  StoredParser(StoredParser&&) noexcept;
  StoredParser& operator=(StoredParser&&) noexcept;

  // The object of `kind` in `bytes`. With `body_later` only its metadata is read now, and it keeps the bytes for the
  // rest; that the whole text is JSON is checked. kCorrupt: no JSON, or an object of another kind.
  Result<std::shared_ptr<Object>> object(Kind kind, std::string_view bytes, bool body_later);

  // A declared tree, and the object that decoding it gives.
  struct Declared {
    std::shared_ptr<const Value> tree;
    ObjectPtr object;
  };
  Result<Declared> declared(Kind kind, std::string_view bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The body in the text of an object of `kind`, which StoredParser has read before.
Body stored_body(Kind kind, std::string_view bytes);

}  // namespace mainstay
