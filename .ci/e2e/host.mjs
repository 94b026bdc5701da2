// What a host does before it starts a server: read its entry in mcp.json, and
// give it an environment. Here that is one in which nothing of the user's is
// read or written.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, where mcp.json is and its commands work. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The programs of this folder's packages, the pinned node among them. */
export const bin = fileURLToPath(new URL('node_modules/.bin/', import.meta.url));

/** How long, in ms, a server may take to start: the first `go run` of a clone builds everything. */
export const buildTime = 240_000;

/** entry returns a server's entry in mcp.json, as it is written there. */
export function entry(name) {
  const { mcpServers } = JSON.parse(readFileSync(join(root, 'mcp.json'), 'utf8'));
  assert.ok(mcpServers[name], `mcp.json has no server ${name}`);
  return mcpServers[name];
}

/** temporary returns a new folder, which goes when the test t ends. */
export function temporary(t) {
  const path = mkdtempSync(join(tmpdir(), 'polt-e2e-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/**
 * environment returns the environment of a user whose home is the folder given
 * and who has set nothing of POLT. Hosts pass a server little more than HOME,
 * so what Go has built and fetched is named in that home's settings of Go: then
 * `go run` is as fast as it is for a user.
 */
export function environment(home) {
  const settings = ['GOCACHE', 'GOFLAGS', 'GOMODCACHE', 'GOPATH', 'GOPROXY'];
  const values = JSON.parse(execFileSync('go', ['env', '-json', ...settings], { encoding: 'utf8' }));
  const config = join(home, '.config');
  mkdirSync(join(config, 'go'), { recursive: true });
  writeFileSync(join(config, 'go', 'env'), settings.map((name) => `${name}=${values[name]}\n`).join(''));
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('POLT_')));
  return { ...env, HOME: home, XDG_CONFIG_HOME: config, PATH: bin + delimiter + env.PATH };
}

/** until calls read until its answer passes done, and returns that answer. */
export async function until(read, done, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await read();
    if (done(answer)) return answer;
    assert.ok(Date.now() < end, `not so after ${seconds} s: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
