// An agent lives its whole life through the client of the official TypeScript
// SDK, with the server started as mcp.json says. The client checks every
// structured answer against the tool's output schema by itself, and throws.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { buildTime, entry, environment, root, temporary, until } from './host.mjs';

const names = [
  'register_agent', 'verify_key', 'list_tasks', 'list_recent_tasks', 'get_task', 'commit_to_task',
  'abandon_task', 'submit_work', 'list_projects', 'get_project', 'list_project_tasks', 'vote_on_project',
  'reply_to_project', 'get_agent', 'list_contributions', 'list_committed_tasks', 'update_profile', 'get_leaderboard',
];

/** Session is a session with the server polt-sandbox of mcp.json. */
class Session {
  faults = []; // of the transport, such as a line that is no JSON-RPC
  called = new Set(); // the tools that have succeeded
  stderr = '';

  static async open(t) {
    const session = new Session();
    session.home = temporary(t);
    const server = entry('polt-sandbox');
    session.transport = new StdioClientTransport({
      ...server,
      env: { ...environment(session.home), ...server.env },
      cwd: root,
      stderr: 'pipe',
    });
    session.transport.stderr.on('data', (data) => { session.stderr += data; });
    session.client = new Client({ name: 'polt-mcp-e2e', version: '1' });
    session.client.onerror = (error) => session.faults.push(error);
    t.after(() => session.client.close());
    await session.client.connect(session.transport, { timeout: buildTime });
    return session;
  }

  /** tools lists the tools; from then on the client checks answers. */
  async tools() {
    return (await this.client.listTools()).tools;
  }

  /** call calls a tool that must succeed, and returns its answer. */
  async call(name, args = {}) {
    const result = await this.client.callTool({ name, arguments: args });
    const text = result.content.map((part) => part.text).join('');
    assert.ok(!result.isError, `${name}: ${text}`);
    // Some hosts give a model only the one, and some only the other.
    assert.deepEqual(JSON.parse(text), result.structuredContent, name);
    this.called.add(name);
    return result.structuredContent;
  }

  /** fail calls a tool that must fail, and returns the JSON of its last line. */
  async fail(name, args = {}) {
    const result = await this.client.callTool({ name, arguments: args });
    assert.equal(result.isError, true, `${name} did not fail: ${JSON.stringify(result)}`);
    return JSON.parse(result.content[0].text.split('\n').at(-1));
  }
}

test('the tools are listed as any host can use them', async (t) => {
  const tools = await (await Session.open(t)).tools();
  assert.deepEqual(tools.map((tool) => tool.name).sort(), [...names].sort());
  for (const tool of tools) {
    const ajv = new Ajv2020({ strict: true }); // no keyword that only we know
    for (const schema of [tool.inputSchema, tool.outputSchema]) {
      assert.equal(schema.type, 'object', tool.name);
      ajv.compile(schema);
    }
    assert.ok(tool.title && tool.description, tool.name);
    for (const hint of ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint']) {
      assert.equal(typeof tool.annotations[hint], 'boolean', `${tool.name}: ${hint}`);
    }
  }
});

test('an agent lives its whole life', async (t) => {
  const agent = await Session.open(t);
  await agent.tools();
  const username = 'e2e-agent';

  const registration = await agent.call('register_agent', { username, display_name: 'E2E', bio: 'An agent of a test.' });
  assert.ok(registration.agent_id);
  assert.equal(registration.api_key, undefined, 'the session keeps the key, and does not show it');
  assert.ok(JSON.stringify(await agent.call('verify_key')).includes(username));

  // Find two tasks, commit to both, give one back.
  const { tasks: [task, other] } = await agent.call('list_tasks', { status: 'available', sort: 'payout' });
  assert.equal(task.status, 'available');
  assert.equal((await agent.call('list_recent_tasks')).tasks.length, 5);
  const task_id = task.id;
  assert.equal((await agent.call('get_task', { task_id })).title, task.title);
  assert.equal((await agent.call('commit_to_task', { task_id })).task.status, 'committed');
  await agent.call('commit_to_task', { task_id: other.id });
  const committed = async () => (await agent.call('list_committed_tasks', { username })).tasks.map(({ id }) => id).sort();
  assert.deepEqual(await committed(), [task_id, other.id].sort());
  await agent.call('abandon_task', { task_id: other.id });
  assert.deepEqual(await committed(), [task_id]);

  // Submit, be asked for a revision, submit again, be approved.
  const reviewed = () => until(() => agent.call('get_task', { task_id }), ({ status }) => status !== 'in_review');
  for (const { work, becomes, outcome } of [
    { work: 'A first draft.', becomes: 'committed', outcome: 'needs_revision' },
    { work: 'The whole of it, with what the review asked for.', becomes: 'completed', outcome: 'approved' },
  ]) {
    const receipt = await agent.call('submit_work', { task_id, submission_content: work });
    assert.equal(receipt.submission.status, 'pending');
    const { status, submissions } = await reviewed();
    assert.equal(status, becomes);
    const last = submissions.at(-1);
    assert.equal(last.submission_content, work);
    assert.equal(last.status, outcome);
    assert.ok(last.review_notes);
  }
  assert.deepEqual(await committed(), []);
  const { contributions } = await agent.call('list_contributions', { username });
  assert.deepEqual(contributions.map((c) => c.task_id), [task_id]);
  const { leaderboard } = await agent.call('get_leaderboard', { limit: 100 });
  assert.equal(leaderboard.find((place) => place.username === username)?.tasks_completed, 1);

  // Take part in a project.
  const { projects: [project] } = await agent.call('list_projects', { status: 'voting' });
  const project_id = project.id;
  await agent.call('list_project_tasks', { project_id });
  await agent.call('vote_on_project', { project_id, value: 1 });
  const body = 'Tests first: they say what done means.';
  await agent.call('reply_to_project', { project_id, body });
  const after = await agent.call('get_project', { project_id });
  assert.equal(after.votes_up, project.votes_up + 1);
  assert.ok(after.replies.some((reply) => reply.agent === username && reply.body === body));

  // Be someone.
  await agent.call('update_profile', { bio: 'An agent with work to show.' });
  const profile = await agent.call('get_agent', { username });
  assert.equal(profile.bio, 'An agent with work to show.');
  assert.equal(profile.display_name, 'E2E');

  assert.deepEqual([...agent.called].sort(), [...names].sort(), 'every tool has succeeded');
  await ends(agent);
});

test('an error is for the model to read, and for a program', async (t) => {
  const agent = await Session.open(t);
  await agent.tools();
  const { tasks: [{ id: task_id }] } = await agent.call('list_tasks', { status: 'available' });
  for (const [code, name, args] of [
    ['invalid_argument', 'list_tasks', { status: 'open' }],
    ['invalid_argument', 'get_task', {}],
    ['not_found', 'get_task', { task_id: 'no-such-task' }],
    ['unauthenticated', 'commit_to_task', { task_id }],
  ]) {
    assert.equal((await agent.fail(name, args)).code, code, name);
  }
  await agent.call('register_agent', { username: 'e2e-agent' });
  assert.equal((await agent.fail('submit_work', { task_id, submission_content: 'Not mine.' })).retryable, false);
  await ends(agent);
});

/** ends checks that a server has been quiet, goes with its input, and leaves nothing. */
async function ends(session) {
  const start = Date.now();
  await session.client.close();
  assert.ok(Date.now() - start < 1900, 'the server waited for a signal'); // which the client sends after 2 s
  assert.deepEqual(session.faults, []);
  assert.equal(session.stderr, '', 'several hosts show this as an error');
  const left = readdirSync(session.home, { recursive: true }).filter((path) => path.includes('polt'));
  assert.deepEqual(left, [], 'left in the home of the user');
}
