// Real hosts, as they come from npm, without an account and without a network:
// each is configured by polt-mcp install, starts the server, and where a model
// on loopback can drive it, makes a call that writes.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command, serve } from './command.mjs';
import { bin, driven, Home, tools } from './home.mjs';
import { Model } from './model.mjs';
import { calls, hosts, lists, nightly, pinned, program, record, table, tried } from './versions.mjs';

const registers = (t) => new Model('register_agent', { username: 'ada' }).start(t);

test('Claude Code connects, and its model registers', async (t) => {
  const model = await registers(t);
  const home = new Home(t, {
    ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: 'sk-ant-loopback',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1', ENABLE_TOOL_SEARCH: 'false',
  });
  const claude = program('Claude Code', 'claude');
  home.install('claude-code', '--sandbox');
  assert.match(await home.run(claude, 'mcp', 'list'), /^polt-sandbox: .*Connected$/m);
  await driven(model, home, claude, '-p', 'Register.', '--allowedTools', 'mcp__polt-sandbox__register_agent');
  record('Claude Code', calls);
});

test('Codex lists it, and its model registers without being asked', async (t) => {
  const model = await registers(t);
  const home = new Home(t);
  home.install('codex', '--sandbox');
  assert.match(await home.run(join(bin, 'codex'), 'mcp', 'list'), /^polt-sandbox +.*stdio --sandbox.*enabled/m);
  await driven(model, home, join(bin, 'codex'), 'exec', '--skip-git-repo-check', '-m', 'loopback',
    '-c', `model_providers.loopback={name="loopback",base_url="${model.url}/v1",wire_api="responses"}`, '-c', 'model_provider="loopback"', 'Register.');
  record('Codex', calls);
});

test('Gemini CLI connects, and its model registers', async (t) => {
  const model = await registers(t);
  const home = new Home(t, { GEMINI_API_KEY: 'loopback', GOOGLE_GEMINI_BASE_URL: model.url });
  home.write('.gemini/settings.json', { security: { auth: { selectedType: 'gemini-api-key' } } });
  home.install('gemini', '--sandbox');
  assert.equal(home.json('.gemini/settings.json').security.auth.selectedType, 'gemini-api-key');
  await driven(model, home, join(bin, 'gemini'), '-p', 'Register.', '--approval-mode', 'yolo', '--skip-trust', '-m', 'gemini-2.5-flash');
  record('Gemini CLI', calls);
});

test('Qwen Code connects, and its model registers', async (t) => {
  const model = await registers(t);
  const home = new Home(t, { OPENAI_API_KEY: 'loopback', OPENAI_BASE_URL: `${model.url}/v1`, OPENAI_MODEL: 'loopback' });
  home.write('.qwen/settings.json', { tools: { toolSearch: { enabled: false } } });
  home.install('qwen', '--sandbox');
  await driven(model, home, join(bin, 'qwen'), '-p', 'Register.', '--approval-mode', 'yolo', '--auth-type', 'openai');
  record('Qwen Code', calls);
});

test('Copilot CLI lists it, and its model registers', async (t) => {
  const model = await registers(t);
  const home = new Home(t, {
    COPILOT_PROVIDER_BASE_URL: `${model.url}/v1`, COPILOT_PROVIDER_TYPE: 'openai', COPILOT_PROVIDER_API_KEY: 'loopback',
    COPILOT_MODEL: 'loopback', COPILOT_OFFLINE: 'true',
  });
  const copilot = program('GitHub Copilot CLI', 'copilot');
  home.install('copilot', '--sandbox');
  assert.match(await home.run(copilot, 'mcp', 'list'), /polt-sandbox \(local\)/);
  await driven(model, home, copilot, '-p', 'Register.', '--allow-all-tools');
  record('GitHub Copilot CLI', calls);
});

test('opencode connects, and its model registers', async (t) => {
  const model = await registers(t);
  const home = new Home(t, { ANTHROPIC_API_KEY: 'loopback' });
  const opencode = program('opencode', 'bin/opencode');
  home.write('.config/opencode/opencode.json', { autoupdate: false, provider: { anthropic: { options: { baseURL: `${model.url}/v1` } } } });
  home.install('opencode', '--sandbox');
  assert.match(await home.run(opencode, 'mcp', 'list'), /polt-sandbox .*connected/);
  await driven(model, home, opencode, 'run', '-m', 'anthropic/claude-sonnet-4-5', 'Register.');
  record('opencode', calls);
});

test('mcporter finds it where Cursor has it, and calls it', async (t) => {
  const home = new Home(t);
  home.install('cursor', '--sandbox');
  const listed = await home.run(join(bin, 'mcporter'), 'list', 'polt-sandbox', '--json');
  for (const name of tools()) assert.ok(listed.includes(`"${name}"`), `${name} is not in ${listed}`);
  assert.match(await home.run(join(bin, 'mcporter'), 'call', 'polt-sandbox.register_agent', 'username=ada'), /acts as ada/);
  record('mcporter, with what Cursor reads', calls);
});

test('The Inspector reads what Windsurf has', async (t) => {
  const home = new Home(t, { MCP_INSPECTOR_SECRET_STORE: 'memory' });
  home.install('windsurf', '--sandbox');
  const listed = await home.run(join(bin, 'mcp-inspector'), '--cli', '--config', join(home.path, '.codeium/windsurf/mcp_config.json'), '--server', 'polt-sandbox', '--method', 'tools/list');
  for (const name of tools()) assert.ok(listed.includes(`"${name}"`), `${name} is not in ${listed}`);
  record('MCP Inspector, with what Windsurf reads', lists);
});

test('mcp-remote reaches a server over HTTP, as Claude Desktop starts it', async (t) => {
  const home = new Home(t, { MCP_INSPECTOR_SECRET_STORE: 'memory' });
  const url = await serve(t, home.env);
  home.install('claude-desktop', '--http', url, '--name', 'polt-sandbox');
  const file = join(home.path, '.config/Claude/claude_desktop_config.json');
  const { command: npx, args } = home.json('.config/Claude/claude_desktop_config.json').mcpServers['polt-sandbox'];
  assert.deepEqual([npx, ...args], ['npx', '-y', 'mcp-remote', url]);
  // npx would ask the registry first: the package is here.
  writeFileSync(file, readFileSync(file, 'utf8').replace('"npx"', JSON.stringify(join(bin, 'mcp-remote'))).replace('"-y",', '').replace('"mcp-remote",', ''));
  const listed = await home.run(join(bin, 'mcp-inspector'), '--cli', '--config', file, '--server', 'polt-sandbox', '--method', 'tools/list');
  for (const name of tools()) assert.ok(listed.includes(`"${name}"`), `${name} is not in ${listed}`);
  record('mcp-remote, as Claude Desktop starts it', lists);
});

test('A host’s own command gives the same file', async (t) => {
  const server = [command(), 'stdio', '--sandbox'];
  const ways = {
    'claude-code': { run: [program('Claude Code', 'claude'), 'mcp', 'add', '--scope', 'user', 'polt-sandbox', '--', ...server], read: (home) => home.json('.claude.json').mcpServers },
    gemini: { run: [join(bin, 'gemini'), 'mcp', 'add', '-s', 'user', 'polt-sandbox', ...server], read: (home) => readFileSync(join(home.path, '.gemini/settings.json'), 'utf8').trim() },
    qwen: { run: [join(bin, 'qwen'), 'mcp', 'add', '-s', 'user', 'polt-sandbox', ...server], read: (home) => home.json('.qwen/settings.json').mcpServers },
    copilot: { run: [program('GitHub Copilot CLI', 'copilot'), 'mcp', 'add', 'polt-sandbox', '--', ...server], read: (home) => readFileSync(join(home.path, '.copilot/mcp-config.json'), 'utf8').trim() },
    // What it does not write is why `codex exec` refuses writes.
    codex: { run: [join(bin, 'codex'), 'mcp', 'add', 'polt-sandbox', '--', ...server], read: (home) => readFileSync(join(home.path, '.codex/config.toml'), 'utf8').replace('default_tools_approval_mode = "approve"\n', '') },
  };
  for (const [host, { run, read }] of Object.entries(ways)) {
    const theirs = new Home(t);
    const output = await theirs.run(...run);
    const ours = new Home(t);
    ours.install(host, '--sandbox');
    assert.deepEqual(read(ours), read(theirs), `${host}: ${output}`);
  }
});

// Whoever records what was tried writes the table afterwards.
if (!process.env.HOSTS_TRIED) test('The table in docs/hosts.md is of these versions, and of what is tried', () => {
  const rows = table();
  const write = 'write the table with .ci/hosts/nightly/run';
  for (const host in { ...hosts, ...nightly }) {
    assert.equal(rows.get(host)?.version, pinned(host), `${host} is pinned in another version than the table has: ${write}`);
  }
  assert.equal(rows.size, Object.keys({ ...hosts, ...nightly }).length, write);
  for (const host in nightly) assert.equal(rows.get(host).when, 'each night', `${host}: ${write}`);
  assert.deepEqual([...tried.keys()].sort(), Object.keys(hosts).sort(), 'not all hosts were tried');
  for (const [host, { version, how }] of tried) {
    assert.deepEqual(rows.get(host), { version, how, when: 'each change' }, `${host}: ${write}`);
  }
});
