// Agents learn of reviews without asking: by resources/subscribe in the
// protocols up to 2025-11-25, over stdio and SSE, and by subscriptions/listen in
// that of 2026-07-28, over stdio and streamable HTTP.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as inspector from './inspector.mjs';
import * as sdk from './sdk.mjs';
import { World } from './server.mjs';
import { concurrency, limit, ways } from './ways.mjs';

const flags = ['--watch-interval', '100ms'];
const watching = ways.filter(({ modern, transport }) => modern || transport !== 'streamable HTTP');

/** commit has a new agent commit to a new task. */
async function commit(t, way, world, username) {
  const agent = await way.join(t, world, username);
  const task_id = await world.sandbox.task('A task');
  await agent.call('commit_to_task', { task_id });
  return {
    agent,
    uri: `polt://tasks/${task_id}`,
    submit: () => agent.call('submit_work', { task_id, submission_content: 'The work.' }),
    review: (outcome, notes) => world.sandbox.review(task_id, outcome, notes),
  };
}

test('a review', { concurrency }, async (t) => {
  const world = await World.start(t, ...flags);
  await Promise.all(watching.map((way, n) => (
    t.test(`is learned of by ${way.name}`, limit, async (t) => {
      const { agent, uri, submit, review } = await commit(t, way, world, `watcher-${n}`);
      const read = async () => JSON.parse((await agent.read(uri)).text);

      const watch = await agent.watch(uri);
      await submit();
      await watch.next();
      assert.equal((await read()).status, 'in_review');
      await review('needs_revision', 'Add tests.');
      await watch.next();
      const { status, submissions: [first] } = await read();
      assert.deepEqual([status, first.status, first.review_notes], ['committed', 'needs_revision', 'Add tests.']);
      await watch.stop();
      assert.equal(watch.told, 2, 'each change is told once');

      const missing = 'polt://tasks/no-such-task';
      await way.findsNoTask(agent.watch(missing), missing);
      await agent.end();
    })
  )));
  await world.end();
});

test('who watches no more', async (t) => {
  const world = await World.start(t, ...flags);
  // Of an Inspector that watches no more, nothing is left that could be told.
  for (const [n, way] of watching.filter(({ isSDK }) => isSDK).entries()) {
    await t.test(`is told nothing by ${way.name}`, limit, async (t) => {
      const { agent, uri, submit, review } = await commit(t, way, world, `former-${n}`);
      const watch = await agent.watch(uri);
      await submit();
      await watch.next();

      // Another spelling is the same task, which is looked at once for both. So
      // when its second change has been told of the one, its first would have
      // been told of the other.
      const another = await agent.watch(uri.replaceAll('-', '%2D'));
      await watch.stop();
      await agent.read(uri); // by whose answer that has reached the server
      await review('needs_revision', 'Add tests.');
      await another.next();
      await submit();
      await another.next();
      assert.deepEqual([watch.told, another.told], [1, 2]);
      await agent.end();
    });
  }
  await world.end();
});

const resource = 'polt://leaderboard';

test('streamable HTTP has no stream for it in the protocols up to 2025-11-25', limit, async (t) => {
  const world = await World.start(t, ...flags);
  for (const [transport, offered] of [['stdio', true], ['SSE', true], ['streamable HTTP', false]]) {
    const agent = await sdk.connect(t, sdk.Agent1, transport, world);
    assert.equal(agent.client.getServerCapabilities().resources.subscribe ?? false, offered, transport);
    if (offered) await agent.watch(resource);
    else await assert.rejects(agent.watch(resource), { code: -32601 });
  }
  const host = inspector.connect(t, 'legacy', 'streamable HTTP', world);
  await assert.rejects(host.watch(resource), /does not support resource subscriptions/);
});

// Whoever waits for a call that is in flight waits for longer than the test: a
// watch is none.
test('a server ends while somebody watches', limit, async (t) => {
  const world = await World.start(t, ...flags, '--drain', '10m');
  const watch = async (Agent, transport) => {
    const agent = await sdk.connect(t, Agent, transport, world);
    return { agent, watch: await agent.watch(resource) };
  };

  await watch(sdk.Agent1, 'SSE');
  const listener = await watch(sdk.Agent2, 'streamable HTTP');
  await world.server.end();
  assert.equal(await listener.watch.closed, 'graceful');

  // Over stdio, at the end of its input or at a signal. A client kills a server
  // that does not end soon, which would be no exit with 0.
  for (const Agent of [sdk.Agent1, sdk.Agent2]) {
    const { agent } = await watch(Agent, 'stdio');
    const exited = agent.exited();
    await agent.end();
    assert.deepEqual(await exited, [0, null]);
  }
  const { agent, watch: { closed } } = await watch(sdk.Agent2, 'stdio');
  const exited = agent.exited();
  process.kill(agent.client.transport.pid, 'SIGTERM');
  assert.equal(await closed, 'graceful');
  assert.deepEqual(await exited, [0, null]);
});
