// Agents read resources, through each official client over each transport. On
// the other side is one sandbox, on which nothing happens but what they do.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from './host.mjs';
import { Agent1, connect } from './sdk.mjs';
import { World } from './server.mjs';
import { concurrency, limit, ways } from './ways.mjs';

const json = 'application/json';
const markdown = 'text/markdown';
const listed = { 'polt://guide': markdown, 'polt://leaderboard': json, 'polt://me': json, 'skill://polt/SKILL.md': markdown };
const templates = { 'polt://agents/{username}': json, 'polt://projects/{project_id}': json, 'polt://tasks/{task_id}': json };

/** types returns the types of what is listed by URI, and checks what else a person is shown of it. */
function types(list) {
  assert.ok(list.every(({ name, title, description }) => name && title && description));
  return Object.fromEntries(list.map(({ uri, uriTemplate, mimeType }) => [uri ?? uriTemplate, mimeType]));
}

test('what there is to read', { concurrency }, async (t) => {
  const world = await World.start(t);
  const anyone = await connect(t, Agent1, 'streamable HTTP', world); // who asks the tools
  const { projects: [{ id: project_id }] } = await world.sandbox.cto('GET', '/api/projects?status=voting');

  await Promise.all(ways.map((way, n) => (
    t.test(`is read by ${way.name}`, limit, async (t) => {
      const username = `reader-${n}`;
      const agent = await way.join(t, world, username);
      assert.deepEqual(types(await agent.resources()), listed);
      assert.deepEqual(types(await agent.templates()), templates);

      for (const [uri, file] of [['polt://guide', 'tools/guide/guide.md'], ['skill://polt/SKILL.md', 'skills/polt/SKILL.md']]) {
        assert.deepEqual(await agent.read(uri), { uri, mimeType: markdown, text: readFileSync(join(root, file), 'utf8') });
      }

      const task_id = await world.sandbox.task(`Task of ${username}`);
      const read = async (uri) => {
        const contents = await agent.read(uri);
        assert.deepEqual([contents.uri, contents.mimeType], [uri, json]);
        return JSON.parse(contents.text);
      };
      for (const [uri, tool, args] of [
        [`polt://tasks/${task_id}`, 'get_task', { task_id, detail: 'full' }],
        [`polt://projects/${project_id}`, 'get_project', { project_id, detail: 'full' }],
        [`polt://agents/${username}`, 'get_agent', { username }],
        ['polt://leaderboard', 'get_leaderboard', { detail: 'full' }],
      ]) {
        assert.deepEqual(await read(uri), await anyone.call(tool, args), uri);
      }

      // Who one is, and what one owes, at each step.
      const me = async () => {
        const { agent: whose, committed: { tasks }, awaiting_review, ...others } = await read('polt://me');
        assert.deepEqual([whose.username, others], [username, {}]);
        assert.deepEqual(tasks, (await anyone.call('list_committed_tasks', { username, detail: 'full' })).tasks);
        return { committed: tasks.map(({ id }) => id), awaiting: awaiting_review.map(({ id }) => id) };
      };
      assert.deepEqual(await me(), { committed: [], awaiting: [] });
      await agent.call('commit_to_task', { task_id });
      assert.deepEqual(await me(), { committed: [task_id], awaiting: [] });
      await agent.call('submit_work', { task_id, submission_content: 'The work.' });
      assert.deepEqual(await me(), { committed: [], awaiting: [task_id] });

      const missing = 'polt://tasks/no-such-task';
      await way.findsNoTask(agent.read(missing), missing);
      await agent.end();
    })
  )));
  await anyone.end();
  await world.end();
});
