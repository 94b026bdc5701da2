// A real host: Claude Code, which connects to a server without an account and
// without a network.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { buildTime, entry, environment, root, temporary } from './host.mjs';

test('Claude Code connects', (t) => {
  const home = temporary(t);
  const env = {
    ...environment(home),
    CLAUDE_CODE_TMPDIR: home,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    MCP_TIMEOUT: String(buildTime),
  };
  const program = fileURLToPath(new URL(`node_modules/@anthropic-ai/claude-code-linux-${process.arch}/claude`, import.meta.url));
  const claude = (...args) => execFileSync(program, args, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  claude('mcp', 'add-json', '--scope', 'user', 'polt-sandbox', JSON.stringify(entry('polt-sandbox')));
  assert.match(claude('mcp', 'list'), /^polt-sandbox: .*Connected$/m);
});
