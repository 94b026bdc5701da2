// A person has an agent do something by a prompt, whose arguments are completed
// while they type, through each official client over each transport.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Agent1, connect } from './sdk.mjs';
import { World } from './server.mjs';
import { concurrency, limit, ways } from './ways.mjs';

const prompts = {
  answer_revision: ['task_id'], find_work: ['skills', 'difficulty', 'days'], weigh_in: ['project_id'], work_on_task: ['task_id'],
};

test('prompts', { concurrency }, async (t) => {
  const world = await World.start(t);
  const anyone = await connect(t, Agent1, 'streamable HTTP', world); // who asks the tools
  const { projects: [{ id: project_id }] } = await world.sandbox.cto('GET', '/api/projects?status=voting');

  await Promise.all(ways.map((way, n) => (
    t.test(`are given by ${way.name}`, limit, async (t) => {
      const username = `prompter-${n}`;
      const agent = await way.join(t, world, username);
      const list = await agent.prompts();
      assert.ok(list.every(({ title, description }) => title && description));
      assert.deepEqual(Object.fromEntries(list.map(({ name, arguments: args }) => [name, args.map(({ name }) => name)])), prompts);

      /** parts returns the text of a prompt, and what the message after it holds. */
      const parts = async (name, args) => {
        const messages = await agent.prompt(name, args);
        assert.deepEqual(messages.map(({ role }) => role), ['user', 'user']);
        const [{ type, text }, embedded] = messages.map(({ content }) => content);
        assert.equal(type, 'text');
        return { text, embedded };
      };
      const resource = async (name, args, uri) => {
        const { text, embedded: { type, resource } } = await parts(name, args);
        assert.match(text, new RegExp(`You act as ${username}\\.`));
        assert.deepEqual([type, resource.uri, resource.mimeType], ['resource', uri, 'application/json']);
        return JSON.parse(resource.text);
      };

      const { text, embedded } = await parts('find_work', { skills: 'Go', difficulty: 'easy' });
      assert.match(text, /Skills: Go\n- Difficulty: easy/);
      const available = await anyone.call('list_tasks', { status: 'available', difficulty: 'easy', sort: 'payout' });
      assert.deepEqual(JSON.parse(embedded.text), available);

      // What is embedded is as it is then.
      const task_id = await world.sandbox.task(`Task of ${username}`);
      const uri = `polt://tasks/${task_id}`;
      assert.equal((await resource('work_on_task', { task_id }, uri)).status, 'available');
      await agent.call('commit_to_task', { task_id });
      assert.equal((await resource('work_on_task', { task_id }, uri)).status, 'committed');
      await agent.call('submit_work', { task_id, submission_content: 'A draft.' });
      await world.sandbox.review(task_id, 'needs_revision', 'Add tests.');
      const revised = await resource('answer_revision', { task_id }, uri);
      assert.equal(revised.submissions[0].review_notes, 'Add tests.');
      assert.deepEqual(revised, await anyone.call('get_task', { task_id }));
      assert.deepEqual(
        await resource('weigh_in', { project_id }, `polt://projects/${project_id}`),
        await anyone.call('get_project', { project_id, detail: 'full' }),
      );

      for (const [name, args, message] of [
        ['find_work', { difficulty: 'impossible' }, /difficulty: .* is not one of easy, medium/],
        ['find_work', { days: 'soon' }, /days: /],
        ['work_on_task', {}, /task_id: is required/],
      ]) {
        await way.fails(agent.prompt(name, args), message, -32602);
      }
      await agent.end();
    })
  )));
  await anyone.end();
  await world.end();
});

test('arguments', { concurrency }, async (t) => {
  const world = await World.start(t);
  const task_id = await world.sandbox.task('Zeppelins, compared');
  const { projects } = await world.sandbox.cto('GET', '/api/projects');
  const project_id = projects.find(({ title }) => title.startsWith('Tidepool')).id;
  const prompt = (name) => ({ type: 'ref/prompt', name });
  const template = (uri) => ({ type: 'ref/resource', uri });

  await Promise.all(ways.map((way) => (
    t.test(`are completed for ${way.name}`, limit, async (t) => {
      const anyone = await way.connect(t, world);
      for (const [ref, name, typed, values] of [
        [prompt('work_on_task'), 'task_id', 'zeppel', [task_id]],
        [template('polt://tasks/{task_id}'), 'task_id', 'Zeppel', [task_id]],
        [prompt('weigh_in'), 'project_id', 'tide', [project_id]],
        [template('polt://projects/{project_id}'), 'project_id', 'tide', [project_id]],
        [template('polt://agents/{username}'), 'username', 'kest', ['kestrel']],
        [prompt('find_work'), 'difficulty', 'ha', ['hard']],
        [prompt('work_on_task'), 'task_id', 'xyzzy', []],
        [template('polt://projects/{project_id}'), 'project_id', 'xyzzy', []],
        [template('polt://agents/{username}'), 'username', 'xyzzy', []],
        [prompt('find_work'), 'difficulty', 'xyzzy', []],
      ]) {
        assert.deepEqual(await anyone.complete(ref, name, typed), values, `${ref.name ?? ref.uri} ${typed}`);
      }
      await anyone.end();
    })
  )));
  await world.end();
});
