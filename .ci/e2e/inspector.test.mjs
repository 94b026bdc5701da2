// The official MCP Inspector on the command line. Each call is a process of the
// Inspector, which starts a server of its own: what carries an agent's life
// from one to the next is the sandbox's file and the credentials file.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildTime, entry, environment, root, temporary, until } from './host.mjs';

/** Inspector is the Inspector with one configuration, for the server polt-sandbox. */
class Inspector {
  constructor(t, config) {
    this.config = config;
    // There is no keychain here, and nothing to keep in it.
    this.env = { ...environment(temporary(t)), MCP_INSPECTOR_SECRET_STORE: 'memory' };
  }

  /** run runs it once, and returns its exit status and the result it prints. */
  run(...args) {
    const { error, status, stdout, stderr } = spawnSync(
      'mcp-inspector',
      ['--cli', '--config', this.config, '--server', 'polt-sandbox', '--connect-timeout', buildTime, '--format', 'json', ...args],
      { cwd: root, env: this.env, encoding: 'utf8' },
    );
    if (error) throw error;
    assert.ok(stdout, stderr);
    return { status, result: JSON.parse(stdout).result };
  }

  /** call calls a tool that must succeed, and returns its answer. */
  call(name, args = {}) {
    const pairs = Object.entries(args).flatMap(([key, value]) => ['--tool-arg', `${key}=${value}`]);
    const { status, result } = this.run('--method', 'tools/call', '--tool-name', name, ...pairs);
    assert.equal(status, 0, JSON.stringify(result));
    return result.structuredContent;
  }
}

for (const era of ['legacy', 'modern']) {
  test(`no schema has an error, in the ${era} protocol`, (t) => {
    const { status, result } = new Inspector(t, 'mcp.json').run('--method', 'tools/list', '--strict', '--protocol-era', era);
    assert.equal(status, 0); // with --strict, 6 would say that a host can not use a schema
    assert.equal(result.tools.length, 18);
  });
}

test('tasks are listed', (t) => {
  const { tasks } = new Inspector(t, 'mcp.json').call('list_tasks', { status: 'available' });
  assert.ok(tasks.length > 0);
  assert.ok(tasks.every((task) => task.status === 'available'));
});

test('a tool that fails is a failure of the command', (t) => {
  const { status, result } = new Inspector(t, 'mcp.json').run('--method', 'tools/call', '--tool-name', 'get_task', '--tool-arg', 'task_id=no-such-task');
  assert.notEqual(status, 0);
  assert.equal(result.isError, true);
});

test('an agent lives its life over many processes', async (t) => {
  const dir = temporary(t);
  const server = entry('polt-sandbox');
  server.args.push('--db', join(dir, 'polt.db'), '--credentials', join(dir, 'credentials.json'), '--review-delay', '100ms');
  const config = join(dir, 'mcp.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { 'polt-sandbox': server } }));
  const agent = new Inspector(t, config);

  const username = 'e2e-agent';
  const registration = agent.call('register_agent', { username });
  assert.equal(registration.api_key, undefined);
  assert.equal(registration.credentials_file, join(dir, 'credentials.json'));
  assert.ok(JSON.stringify(agent.call('verify_key')).includes(username));

  const { tasks: [{ id: task_id }] } = agent.call('list_tasks', { status: 'available', limit: 1 });
  assert.equal(agent.call('commit_to_task', { task_id }).task.status, 'committed');
  for (const becomes of ['committed', 'completed']) {
    agent.call('submit_work', { task_id, submission_content: 'The work.' });
    const { status, submissions } = await until(() => agent.call('get_task', { task_id }), (task) => task.status !== 'in_review');
    assert.equal(status, becomes);
    assert.ok(submissions.at(-1).review_notes);
  }
  const { leaderboard } = agent.call('get_leaderboard', { limit: 100 });
  assert.equal(leaderboard.find((place) => place.username === username)?.tasks_completed, 1);
});
