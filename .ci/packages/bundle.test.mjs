// The .mcpb bundle: unpacked and started as a host does, and what the MCP
// registry is told of it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { getMcpConfigForManifest } from "@anthropic-ai/mcpb";
import { dist, listTools, root, run, version } from "./session.mjs";

const bundle = join(dist, `polt-mcp_${version}.mcpb`);
const mcpb = join(root, ".ci/packages/node_modules/.bin/mcpb");

test("a host can start the bundle with no settings made", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "mcpb-"));
  await run(mcpb, ["unpack", bundle, folder]);
  await run(mcpb, ["validate", join(folder, "manifest.json")]);
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  assert.ok(existsSync(join(folder, manifest.icon)), manifest.icon);
  const config = await getMcpConfigForManifest({
    manifest, extensionPath: folder, systemDirs: {}, userConfig: {}, pathSeparator: "/", logger: console,
  });
  const env = { PATH: process.env.PATH, HOME: folder, ...config.env };
  const { child, tools } = await listTools(t, config.command, [...config.args, "--sandbox"], env);
  assert.deepEqual(tools, manifest.tools.map((tool) => tool.name).sort());
  child.stdin.end();
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("the registry's entry is of this version, with the bundle's hash", () => {
  const entry = JSON.parse(readFileSync(join(dist, "server.json"), "utf8"));
  const [npm, oci, file] = entry.packages;
  assert.equal(entry.version, version);
  assert.equal(npm.version, version);
  assert.ok(oci.identifier.endsWith(`:${version}`), oci.identifier);
  assert.ok(file.identifier.endsWith(`/v${version}/polt-mcp_${version}.mcpb`), file.identifier);
  assert.equal(file.fileSha256, createHash("sha256").update(readFileSync(bundle)).digest("hex"));
});
