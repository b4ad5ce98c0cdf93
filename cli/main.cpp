#include "cli/commands.h"

int main(int argc, char** argv) { return mainstay::run_command(argc, argv); }
