// The npm packages as users get them: npx takes them from a registry, which
// here serves what was packed and nothing else.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { dist, listTools, run, version } from "./session.mjs";

const folder = join(dist, "npm");
const work = mkdtempSync(join(tmpdir(), "npm-"));
const asked = [];
let registry, env;

before(async () => {
  const documents = new Map();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const manifest = JSON.parse(readFileSync(join(folder, entry.name, "package.json"), "utf8"));
    const file = `${entry.name}-${version}.tgz`;
    documents.set(manifest.name, { manifest, file, bytes: readFileSync(join(folder, file)) });
  }
  const platforms = Object.keys(documents.get("polt-mcp").manifest.optionalDependencies);
  assert.deepEqual([...documents.keys()].sort(), ["polt-mcp", ...platforms].sort());

  registry = createServer((req, res) => {
    const path = decodeURIComponent(req.url.slice(1));
    asked.push(path);
    for (const [name, { manifest, file, bytes }] of documents) {
      if (path === file) return res.end(bytes);
      if (path !== name) continue;
      const integrity = "sha512-" + createHash("sha512").update(bytes).digest("base64");
      const tarball = `http://${req.headers.host}/${file}`;
      res.setHeader("Content-Type", "application/json");
      return res.end(JSON.stringify({
        name, "dist-tags": { latest: version },
        versions: { [version]: { ...manifest, dist: { tarball, integrity } } },
      }));
    }
    res.writeHead(404).end("{}");
  }).listen(0, "127.0.0.1");
  await once(registry, "listening");
  env = {
    PATH: process.env.PATH, HOME: work, npm_config_cache: join(work, "cache"), npm_config_update_notifier: "false",
    npm_config_registry: `http://127.0.0.1:${registry.address().port}`, npm_config_audit: "false",
  };
});
after(() => registry?.close());

test("npx polt-mcp runs the binary of this platform, and gets no other", async () => {
  const out = await run("npx", ["--yes", "polt-mcp", "version"], { cwd: work, env });
  assert.match(out, new RegExp(`^polt-mcp ${version} `));
  const tarballs = asked.filter((p) => p.endsWith(".tgz")).sort();
  assert.deepEqual(tarballs, [`openpolt-polt-mcp-${process.platform}-${process.arch}-${version}.tgz`, `polt-mcp-${version}.tgz`]);
});

test("installed, it serves a host, and ends as the server does", async (t) => {
  await run("npm", ["install", "--prefix", work, "polt-mcp"], { cwd: work, env });
  const { child, tools } = await listTools(t, join(work, "node_modules/.bin/polt-mcp"), ["stdio", "--sandbox"], env);
  assert.ok(tools.includes("submit_work"), tools.join());
  // The host's signal reaches the server, which ends well.
  child.kill("SIGTERM");
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("a failure of the program is npm's, too", async () => {
  const program = join(work, "node_modules/.bin/polt-mcp");
  await assert.rejects(run(program, ["stdio", "--results=xml"], { env }), /both/);
});

test("without the platform's package it says what to do", async () => {
  const bare = mkdtempSync(join(tmpdir(), "npm-"));
  await run("npm", ["install", "--prefix", bare, "--omit=optional", "polt-mcp"], { cwd: bare, env });
  await assert.rejects(run(join(bare, "node_modules/.bin/polt-mcp"), ["version"], { env }), /--omit=optional/);
});
