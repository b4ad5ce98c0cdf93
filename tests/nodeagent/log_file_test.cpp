// Reading CRI logs that go on growing.
#include <catch2/catch.hpp>
#include <fstream>

#include "nodeagent/log_file.h"
#include "tests/nodeagent/edge_images.h"

namespace mainstay {
namespace {

void add_lines(const std::string& path, int from, int to) {
  std::ofstream log(path, std::ios::app);
  for (int i = from; i <= to; ++i) log << "2026-01-02T03:04:05.000000000Z stdout F line " << i << "\n";
}

}  // namespace

TEST_CASE("what is not followed is read as it was when it was asked for, though it grows and is rotated") {
  test::TempDir dir;
  std::string path = dir.path() + "/0.log";
  add_lines(path, 1, 1000);
  LogQuery query;
  query.tail_lines = 600;
  query.max_bytes = 20 << 10;
  LogChunk chunk = read_log(path, query).value();
  REQUIRE(chunk.more);
  LogCursor end = chunk.end;
  std::string text = render_log(chunk.lines, false);
  for (int round = 0; chunk.more; ++round) {
    REQUIRE(round < 100);
    add_lines(path, 1001 + round * 100, 1100 + round * 100);  // a flood
    if (round == 0) {
      REQUIRE(move_log_aside(path, 1000, 5).value());
      add_lines(path, 5000, 5001);
    }
    chunk = follow_log(path, chunk.next, query.max_bytes, &end).value();
    text += render_log(chunk.lines, false);
  }
  std::string expected;
  for (int i = 401; i <= 1000; ++i) expected += "line " + std::to_string(i) + "\n";
  CHECK(text == expected);
  // Followed, it goes on with what has come since.
  CHECK(follow_log(path, chunk.next).value().lines.front().text == "line 1001");
}

}  // namespace mainstay
