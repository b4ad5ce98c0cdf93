#!/bin/bash
# What the program takes is in the documents, and nothing is in them that it does not take.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
failed=0
complain() { echo "FAILED: $*" >&2; failed=1; }

# Every key of the configuration file, and no other, has a row in docs/configuration.md.
keys=$(grep -oE '^      \{"[A-Za-z.]+",' cli/config.cpp | tr -d ' {",' | sort)
[ "$(wc -l <<<"$keys")" -gt 20 ] || complain "the keys in cli/config.cpp cannot be read any more"
described=$(grep -oE '^\| `[A-Za-z.]+`' docs/configuration.md | tr -d '|` ' | sort)
diff <(echo "$keys") <(echo "$described") >&2 || complain "docs/configuration.md and cli/config.cpp (above: < in the code, > in the page) differ"

# The least value of a key that has one stands in its row.
least=$(awk -F'"' '/^      \{"/ { key = $2 } match($0, /span\(&C::[a-z_]+, [0-9]+[a-z]+/) {
  split(substr($0, RSTART, RLENGTH), part, ", "); print key, part[2] }' cli/config.cpp)
[ -n "$least" ] || complain "the least values in cli/config.cpp cannot be read any more"
while read -r key value; do
  grep -F "| \`$key\`" docs/configuration.md | grep -qF "at least \`$value\`" ||
    complain "docs/configuration.md does not say that $key is at least $value"
done <<<"$least"

# A row of a table that a blank line cuts off is shown as text.
for page in README.md docs/*.md; do
  lost=$(sed '/^```/,/^```/d' "$page" | awk -v RS= '/(^|\n)\|/ && !/(^|\n)\|--/' | head -n 1)
  [ -z "$lost" ] || complain "$page: no table holds the row $lost"
done

# Every annotation of simulated pods.
for annotation in $(grep -oE 'mainstay/simulated-[a-z-]+' nodeagent/simulated_node.h | sort -u); do
  grep -qF "\`$annotation\`" docs/annotations.md || complain "docs/annotations.md does not explain $annotation"
done

# Every command that README shows exists.
binary=${MAINSTAY_BINARY:-}
if [ -x "$binary" ]; then
  help=$("$binary" --help)
  for command in $(grep -ohE '(^|[ `])mainstay [a-z]+' README.md docs/*.md | awk '{ print $NF }' | sort -u); do
    grep -qE "^ +$command( |\$)" <<<"$help" || complain "README.md or docs/ show \`mainstay $command\`, which is no command"
  done
else
  echo "SKIPPED: MAINSTAY_BINARY names no program, so the commands in the documents are not looked at"
fi

[ $failed = 0 ] && echo passed
exit $failed
