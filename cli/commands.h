// The command line: what each command is called, takes and answers. Exit codes: 0 fine, 1 an error (said on
// standard error), 2 wrong usage, or for `plan` that there are changes.
#pragma once

namespace mainstay {

// Runs argv[1] and returns the process's exit code.
int run_command(int argc, char** argv);

}  // namespace mainstay
