// What is wrong with a manifest, said so that its author can mend it: file, line, field path, what was
// expected, and the nearest right name. Mistakes are collected, never thrown: all of a tree at once.
// Plain values; one thread at a time (each worker fills its own Diagnostics, which are then appended).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "schema/value.h"

namespace mainstay {

enum class Severity : uint8_t { kError, kWarning };

struct Diagnostic {
  Severity severity = Severity::kError;
  std::string file;     // "" if the input is no file
  Mark mark;            // line 0 if unknown
  std::string path;     // "spec.template.spec.containers[0].image"; "" for the whole document
  std::string message;  // one clause, no full stop
  std::string hint;     // what to do; may be empty
  // Of an unknown field: the path of the absent field that was most likely meant; may be empty.
  std::string meant = {};

  // "web.yaml:3:5: error: spec.replicas: expected integer, got string (remove the quotes)". Parts that are
  // not known are left out.
  std::string text() const;
};

// A field path that is built while walking down and costs nothing unless something is wrong: each step
// points at the step above. A Path must not outlive its parent, nor the names it was given.
class Path {
 public:
  Path() = default;  // the root, ""
  explicit Path(std::string_view base) : step_(Step::kField), name_(base) {}

  Path field(std::string_view name) const { return {this, Step::kField, name, 0}; }
  Path index(size_t number) const { return {this, Step::kIndex, {}, number}; }
  Path key(std::string_view name) const { return {this, Step::kKey, name, 0}; }

  // "spec.containers[0].env", "metadata.labels[app.kubernetes.io/name]": Kubernetes' notation.
  std::string text() const;

 private:
  enum class Step : uint8_t { kRoot, kField, kIndex, kKey };
  Path(const Path* parent, Step step, std::string_view name, size_t index)
      : parent_(parent), step_(step), name_(name), index_(index) {}

  const Path* parent_ = nullptr;
  Step step_ = Step::kRoot;
  std::string_view name_;
  size_t index_ = 0;
};

// A bounded list of diagnostics. When it is full, further ones are only counted; an error then takes the
// place of a warning.
class Diagnostics {
 public:
  static constexpr size_t kDefaultCapacity = 1000;

  // `file` is put into everything that error() and warning() add.
  explicit Diagnostics(std::string file = {}, size_t capacity = kDefaultCapacity)
      : file_(std::move(file)), capacity_(capacity) {}

  void error(Mark mark, std::string path, std::string message, std::string hint = {});
  void warning(Mark mark, std::string path, std::string message, std::string hint = {});
  void add(Diagnostic diagnostic);
  // Takes over everything of `other`, whose file names stay.
  void append(const Diagnostics& other);

  const std::string& file() const { return file_; }
  // As they came; at most the capacity.
  const std::vector<Diagnostic>& all() const { return all_; }
  // These count everything, also what did not fit.
  size_t error_count() const { return errors_; }
  size_t warning_count() const { return warnings_; }
  bool has_errors() const { return errors_ > 0; }
  bool empty() const { return errors_ + warnings_ == 0; }

  // One line each, sorted by file, line and column; the last line says how many did not fit.
  std::string render() const;

 private:
  std::string file_;
  size_t capacity_;
  std::vector<Diagnostic> all_;
  size_t errors_ = 0;
  size_t warnings_ = 0;
};

// The candidate that `word` was most likely meant to be ("replica" -> "replicas"); "" if none is close.
std::string_view nearest_name(std::string_view word, std::span<const std::string_view> candidates);

// `did you mean "replicas"?`, or "" if no candidate is close.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

// `text` in double quotes for a message: cut to 60 bytes, control characters as \xNN.
std::string quoted(std::string_view text);

}  // namespace mainstay
