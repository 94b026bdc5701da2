// The versions of hosts: those that package.json pins, those that are installed,
// and those that docs/hosts.md tells of.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const json = (path) => JSON.parse(readFileSync(here(path), 'utf8'));

/** What was tried with a host. */
export const lists = 'configured, lists the tools';
export const calls = `${lists}, calls one`;

/** hosts has the npm package of each host by its name: * is this machine's system. */
export const hosts = {
  'Claude Code': '@anthropic-ai/claude-code-*',
  Codex: '@openai/codex',
  'Gemini CLI': '@google/gemini-cli',
  'Qwen Code': '@qwen-code/qwen-code',
  'GitHub Copilot CLI': '@github/copilot-*',
  opencode: 'opencode-*',
  'mcporter, with what Cursor reads': 'mcporter',
  'MCP Inspector, with what Windsurf reads': '@modelcontextprotocol/inspector',
  'mcp-remote, as Claude Desktop starts it': 'mcp-remote',
};

/** nightly has those that are too large for each change, in the folder of that name. */
export const nightly = { Cline: '@cline/cli-*' };

const folderOf = (host) => (host in nightly ? './nightly/' : './');

/** packageOf returns the npm package of a host for this machine. */
const packageOf = (host) => ({ ...hosts, ...nightly })[host].replace('*', `linux-${process.arch}`);

/** program returns the path of a host's program in its package. */
export const program = (host, path) => here(`${folderOf(host)}node_modules/${packageOf(host)}/${path}`);

/** pinned returns the version that package.json pins of a host. */
export function pinned(host) {
  const { devDependencies, optionalDependencies } = json(`${folderOf(host)}package.json`);
  return { ...devDependencies, ...optionalDependencies }[packageOf(host)];
}

/** tried has what was tried by these tests, by host. */
export const tried = new Map();

/** record notes that a host works, in the version that is installed. */
export function record(host, how) {
  const { version } = json(`${folderOf(host)}node_modules/${packageOf(host)}/package.json`);
  assert.equal(version, pinned(host), `${host} is installed in another version than package.json has`);
  tried.set(host, { version, how });
  if (process.env.HOSTS_TRIED) appendFileSync(process.env.HOSTS_TRIED, `${JSON.stringify([host, { version, how }])}\n`);
}

const document = here('../../docs/hosts.md');
const marked = /(<!-- versions: written by .*? -->\n)([^]*?)(<!-- \/versions -->)/;

/** table returns what docs/hosts.md says was tried, by host. */
export function table() {
  const rows = readFileSync(document, 'utf8').match(marked)[2].trim().split('\n').slice(2);
  return new Map(rows.map((row) => row.split('|').map((cell) => cell.trim())).map(([, host, version, how, when]) => [host, { version, how, when }]));
}

/** write writes what was tried into docs/hosts.md. What failed stays as it was. */
export function write(tried) {
  const before = table();
  let text = '| Host | Version | Tried: it is | When |\n| --- | --- | --- | --- |\n';
  for (const host of [...Object.keys(hosts), ...Object.keys(nightly)]) {
    const { version, how } = tried.get(host) ?? before.get(host) ?? { version: 'none', how: 'not tried' };
    text += `| ${host} | ${version} | ${how} | ${host in nightly ? 'each night' : 'each change'} |\n`;
  }
  writeFileSync(document, readFileSync(document, 'utf8').replace(marked, (_, begin, old, end) => begin + text + end));
}
