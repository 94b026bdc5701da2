// What the tests of the packages share.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(fileURLToPath(import.meta.url), "../../..");
export const dist = join(root, "dist");
export const { version } = JSON.parse(readFileSync(join(dist, "metadata.json"), "utf8"));

/** Runs a command to its end and returns what it printed; it must succeed. */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const code = child.exitCode ?? (await new Promise((done) => child.once("exit", done)));
  assert.equal(code, 0, `${command} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

export async function text(stream) {
  let all = "";
  for await (const chunk of stream.setEncoding("utf8")) all += chunk;
  return all;
}

/** Starts a server over stdio, until the test ends, and returns the process and
 * the tools it lists. */
export async function listTools(t, command, args, env) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"], env });
  t.after(() => child.stdin.end()); // which ends the server behind it, too
  const messages = [
    { id: 1, method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } } },
    { method: "notifications/initialized" },
    { id: 2, method: "tools/list" },
  ];
  for (const m of messages) child.stdin.write(JSON.stringify({ jsonrpc: "2.0", ...m }) + "\n");
  let all = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) {
    all += chunk;
    for (const line of all.split("\n").slice(0, -1)) {
      const { id, result } = JSON.parse(line);
      if (id === 2) return { child, tools: result.tools.map((tool) => tool.name).sort() };
    }
  }
  assert.fail(`no list of tools: ${all}`);
}
