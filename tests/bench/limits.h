// What the machine and the libraries below us can do at best, measured in the same run with as little around
// them as possible. One thread; every function works alone.
#pragma once

#include <string>
#include <vector>

#include "schema/base/result.h"
#include "schema/base/time.h"

namespace mainstay::bench {

struct ReadBlobs {
  std::vector<std::string> bytes;
  Duration took{0};
};
// Every blob of main's tree from the object database, by libgit2.
Result<ReadBlobs> read_blobs(const std::string& repository);

// Every text through libyaml's parser, events thrown away.
Result<Duration> parse_yaml_events(const std::vector<std::string>& texts);

// One row (name, hash, version, body; two indexes) per text into a new database, WAL with synchronous FULL, a
// thousand rows in a transaction.
Result<Duration> insert_rows(const std::string& file, const std::vector<std::string>& bodies);

// CPU time of libgit2's diff of the trees of two commits, with a fresh handle.
Result<Duration> tree_diff_cpu(const std::string& repository, const std::string& older, const std::string& newer);

// The bodies of all objects in a store's database.
Result<std::vector<std::string>> stored_bodies(const std::string& database);
// A scan of a table that insert_rows() filled, every body through simdjson.
Result<Duration> scan_and_parse(const std::string& file);

}  // namespace mainstay::bench
