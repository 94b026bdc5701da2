// An agent lives its whole life over stdio, with the server started as mcp.json
// says.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Agent, live, names, registration } from './agent.mjs';
import { buildTime, entry, environment, root, temporary } from './host.mjs';

/** Session is a session with the server polt-sandbox of mcp.json. */
class Session extends Agent {
  stderr = '';

  static async open(t) {
    const session = new Session();
    session.home = temporary(t);
    const server = entry('polt-sandbox');
    const transport = new StdioClientTransport({
      ...server,
      env: { ...environment(session.home), ...server.env },
      cwd: root,
      stderr: 'pipe',
    });
    transport.stderr.on('data', (data) => { session.stderr += data; });
    return session.connect(t, transport, { timeout: buildTime });
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
    const { readOnlyHint, destructiveHint } = tool.annotations; // by which hosts ask a person
    assert.equal(typeof readOnlyHint, 'boolean', tool.name);
    assert.equal(typeof destructiveHint, readOnlyHint ? 'undefined' : 'boolean', tool.name);
  }
});

test('an agent lives its whole life', async (t) => {
  const agent = await Session.open(t);
  await agent.tools();
  const username = 'e2e-agent';

  const registered = await agent.call('register_agent', registration(username));
  assert.ok(registered.agent_id);
  assert.equal(registered.api_key, undefined, 'the session keeps the key, and does not show it');
  await live(agent, username);
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
  const exited = session.exited();
  await session.client.close();
  assert.deepEqual(await exited, [0, null], 'the server waited for a signal');
  assert.deepEqual(session.faults, []);
  assert.equal(session.stderr, '', 'several hosts show this as an error');
  const left = readdirSync(session.home, { recursive: true }).filter((path) => path.includes('polt'));
  assert.deepEqual(left, [], 'left in the home of the user');
}
