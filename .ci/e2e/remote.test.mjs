// Agents live their whole lives over streamable HTTP and over SSE: one server,
// and each agent with its own key.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { live, names, registration } from './agent.mjs';
import { Agent1, connect } from './sdk.mjs';
import { Server } from './server.mjs';

test('agents of one server', async (t) => {
  const server = await Server.start(t, '--sandbox', '--auto-review', '--review-delay', '100ms');
  const keys = {};

  for (const transport of ['streamable HTTP', 'SSE']) {
    const username = `e2e-${transport.replace(' ', '-').toLowerCase()}`;
    await t.test(`an agent lives its whole life over ${transport}`, async (t) => {
      const stranger = await connect(t, Agent1, transport, { server });
      assert.deepEqual((await stranger.tools()).map((tool) => tool.name).sort(), [...names].sort());
      assert.equal((await stranger.fail('verify_key')).code, 'unauthenticated');
      const { api_key } = await stranger.call('register_agent', registration(username));
      assert.match(api_key, /^polt_/, 'the server keeps no key for the agent, so the agent gets it');
      assert.equal((await stranger.fail('verify_key')).code, 'unauthenticated', 'who has registered is known by the key alone');
      await stranger.end();

      const agent = await connect(t, Agent1, transport, { server }, api_key);
      await live(agent, username);
      await agent.end();
      keys[username] = { api_key, transport };
    });
  }

  await t.test('each acts as itself, at the same time', async (t) => {
    const agents = await Promise.all(Object.entries(keys).map(async ([username, { api_key, transport }]) => (
      { username, agent: await connect(t, Agent1, transport, { server }, api_key) }
    )));
    assert.equal(agents.length, 2);
    const rounds = Array.from({ length: 50 }, () => agents).flat();
    await Promise.all(rounds.map(async ({ username, agent }) => {
      assert.ok(JSON.stringify(await agent.call('verify_key')).includes(username));
    }));
    await Promise.all(agents.map(({ agent }) => agent.end()));
  });

  await server.end();
});
