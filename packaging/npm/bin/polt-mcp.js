#!/usr/bin/env node
// Runs the polt-mcp binary that npm has installed for this platform.
"use strict";

const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const { isatty } = require("node:tty");

const carrier = `@openpolt/polt-mcp-${process.platform}-${process.arch}`;

function binary() {
  const file = process.platform === "win32" ? "polt-mcp.exe" : "polt-mcp";
  try {
    return require.resolve(`${carrier}/bin/${file}`);
  } catch {
    const { optionalDependencies } = require("../package.json");
    const why = carrier in optionalDependencies
      ? `the package ${carrier} is missing: install polt-mcp again, without --omit=optional`
      : `there is no binary for ${process.platform} ${process.arch}: build it with go install github.com/openpolt/polt-mcp/cmd/polt-mcp@latest`;
    console.error(`polt-mcp: ${why}`);
    process.exit(1);
  }
}

const child = spawn(binary(), process.argv.slice(2), { stdio: "inherit" });

// What ends this process is for the binary to answer: it drains, and then ends.
// A terminal sends its own signals to both, and a second one would cut that short.
// process.stdin is left alone: to look at it makes the binary's input, which it
// shares, non-blocking.
const terminal = [0, 1, 2].some((fd) => isatty(fd));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (signal === "SIGTERM" || !terminal) child.kill(signal);
  });
}

child.on("error", (err) => {
  console.error(`polt-mcp: cannot run the binary: ${err.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
