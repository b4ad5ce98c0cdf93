// SourceWorker: the thread that owns one source. It polls, and when the ref has moved it fetches, reads the
// tree and reports the desired set, or what is wrong. What was reported before is never taken back by a
// failed read: a failure is only reported as such.
//
// A poll that finds nothing new is one ref advertisement: no write, no report. What to report is decided by
// SourceReader, which has no thread and no clock and waits for nothing; the worker turns it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gitsync/desired.h"
#include "gitsync/source.h"
#include "schema/base/rng.h"
#include "schema/base/time.h"

namespace mainstay {

struct PollRules {
  Duration interval = 60s;      // plus or minus a tenth, so that many daemons do not knock together
  Duration first_retry = 5s;    // after a failure; doubles up to
  Duration longest_retry = 5min;
  Duration poke_gap = 200ms;    // between polls that pokes ask for
};

// When to look again; with jitter from `rng`. `failures` in a row, 0 after a success.
Duration next_poll(const PollRules& rules, unsigned failures, Rng& rng);

struct SourceReport {
  enum class Outcome : uint8_t {
    kAccepted,   // set
    kRefused,    // diagnostics: nothing of the commit is taken
    kHold,       // the tree cannot be meant: path gone, no objects, ref gone, repository empty. See trouble
    kUnreadable, // the source could not be read: see trouble. Level-based: reported again only if it changes
    kReadable,   // it can be read again; what was said last about a commit stands
  };
  std::string application;
  Outcome outcome = Outcome::kUnreadable;
  bool is_tip = true;                     // false for a commit that was asked for by request()
  std::optional<CommitInfo> commit;       // of kAccepted, kRefused, and kHold if the commit was read
  DesiredSetPtr set;                      // of kAccepted
  DesiredSetPtr readable;                 // of kRefused: the part that is right in itself, never to be applied
  Diagnostics diagnostics;                // warnings for kAccepted
  std::string trouble;                    // one sentence: what is the matter, what holds, what to do
  std::optional<ErrorCode> trouble_code;
  std::optional<CommitId> forced_from;    // the commit before, if it is no ancestor of this one
  Duration elapsed{0};                    // from the start of the poll to the report; set by the worker
};

// One source's reading of one application: everything but time and threads. Used by the worker, and directly
// by simulation and `mainstay plan`. One thread.
class SourceReader {
 public:
  SourceReader(std::string application, GitSource& source, FileSelection selection, ManifestRules rules,
               unsigned threads = 1);

  // The commit the last process had accepted, so that a force-push in between is noticed.
  void remember_tip(const CommitId& commit) { last_tip_ = commit; }

  // One poll. Nothing if there is nothing new to say.
  std::optional<SourceReport> poll();
  // Reads any commit of the ref's history. Always says something.
  SourceReport read_commit(const CommitId& commit);
  // 0 after a poll that went well.
  unsigned failures() const { return failures_; }

 private:
  SourceReport blank(SourceReport::Outcome outcome) const;
  std::optional<SourceReport> say(SourceReport report);
  Result<SourceReport> read(const CommitId& commit);
  Result<SourceReport> read_fetched(const CommitId& commit);
  // The set of the tree as a change of the last accepted one; nothing if it must be read whole.
  Result<std::optional<BuiltSet>> read_changes(const CommitId& commit);
  Status read_missing(const std::vector<TreeFile>& files);

  const std::string application_;
  GitSource& source_;
  const FileSelection selection_;
  const unsigned threads_;
  DesiredBuilder builder_;
  std::optional<ListedTree> base_;         // that builder_ can go on from
  std::optional<CommitId> last_tip_;       // last read completely
  std::optional<CommitId> settled_tip_;    // reported by this process: not to be read again
  std::string last_trouble_;               // "" if the last report was none
  unsigned failures_ = 0;
};

class SourceWorker {
 public:
  struct Settings {
    std::string application;
    FileRules files;
    ManifestRules manifests;
    PollRules polls;
    unsigned threads = 2;                  // for decoding large batches
    uint64_t seed = 1;                     // of the jitter
    std::optional<CommitId> last_commit;   // see SourceReader::remember_tip
  };

  // Starts the thread. `report` is called on it, one call at a time; it must not call back into the worker
  // except poke() and request(). kInvalid for bad file rules.
  static Result<std::unique_ptr<SourceWorker>> start(Settings settings, std::unique_ptr<GitSource> source,
                                                     std::function<void(SourceReport)> report);
  // Interrupts what is under way and waits for the thread.
  ~SourceWorker();

  // Look soon; any number of pokes while one look is pending are one. Any thread.
  void poke();
  // Read that commit, which need not be the tip; its report has is_tip false. At most 16 wait. Any thread.
  bool request(const CommitId& commit);
  // Polls done so far. Any thread.
  uint64_t polls() const;

 private:
  SourceWorker(Settings settings, FileSelection selection, std::unique_ptr<GitSource> source,
               std::function<void(SourceReport)> report);
  void run();

  const Settings settings_;
  const std::unique_ptr<GitSource> source_;
  const std::function<void(SourceReport)> report_;
  SourceReader reader_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool poked_ = false;
  bool stopping_ = false;
  uint64_t polls_ = 0;
  std::vector<CommitId> requests_;
  std::thread thread_;
};

}  // namespace mainstay
