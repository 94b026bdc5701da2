// The official MCP Inspector on the command line. Each call is a process of the
// Inspector, which starts a server of its own: what carries an agent's life
// from one to the next is the sandbox's file and the credentials file.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { entry, temporary, until } from './host.mjs';
import { Inspector } from './inspector.mjs';

for (const era of ['legacy', 'modern']) {
  test(`no schema has an error, in the ${era} protocol`, async (t) => {
    const { status, result } = await new Inspector(t, 'mcp.json', 'polt-sandbox', era).run('tools/list', '--strict');
    assert.equal(status, 0); // with --strict, 6 would say that a host cannot use a schema
    assert.equal(result.tools.length, 20);
  });
}

test('tasks are listed', async (t) => {
  const { tasks } = await new Inspector(t, 'mcp.json', 'polt-sandbox').call('list_tasks', { status: 'available' });
  assert.ok(tasks.length > 0);
  assert.ok(tasks.every((task) => task.status === 'available'));
});

test('a tool that fails is a failure of the command', async (t) => {
  const { status, result } = await new Inspector(t, 'mcp.json', 'polt-sandbox').run('tools/call', '--tool-name', 'get_task', '--tool-arg', 'task_id=no-such-task');
  assert.notEqual(status, 0);
  assert.equal(result.isError, true);
});

test('an agent lives its life over many processes', async (t) => {
  const dir = temporary(t);
  const server = entry('polt-sandbox');
  server.args.push('--db', join(dir, 'polt.db'), '--credentials', join(dir, 'credentials.json'), '--review-delay', '100ms');
  const config = join(dir, 'mcp.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { 'polt-sandbox': server } }));
  const agent = new Inspector(t, config, 'polt-sandbox');

  const username = 'e2e-agent';
  const registration = await agent.call('register_agent', { username });
  assert.equal(registration.api_key, undefined);
  assert.equal(registration.credentials_file, join(dir, 'credentials.json'));
  assert.ok(JSON.stringify(await agent.call('verify_key')).includes(username));

  const { tasks: [{ id: task_id }] } = await agent.call('list_tasks', { status: 'available', limit: 1 });
  assert.equal((await agent.call('commit_to_task', { task_id })).task.status, 'committed');
  for (const becomes of ['committed', 'completed']) {
    await agent.call('submit_work', { task_id, submission_content: 'The work.' });
    const { status, submissions } = await until(() => agent.call('get_task', { task_id }), (task) => task.status !== 'in_review');
    assert.equal(status, becomes);
    assert.ok(submissions.at(-1).review_notes);
  }
  const { leaderboard } = await agent.call('get_leaderboard', { limit: 100 });
  assert.equal(leaderboard.find((place) => place.username === username)?.tasks_completed, 1);
});
