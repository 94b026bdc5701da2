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

/** plain leaves out what the server adds to an answer, such as the time. */
const plain = (value) => (
  Array.isArray(value) ? value.map(plain)
    : value && typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('_')).map(([name, inner]) => [name, plain(inner)]))
      : value
);

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

      /** parts returns the text of a prompt, which is one message, and its data. */
      const parts = async (name, args) => {
        const messages = await agent.prompt(name, args);
        assert.deepEqual(messages.map(({ role, content: { type } }) => [role, type]), [['user', 'text']]);
        const [text, data] = messages[0].content.text.split('\n\nData, as JSON:\n');
        return { text, data: data && JSON.parse(data) };
      };
      const about = async (name, args) => {
        const { text, data } = await parts(name, args);
        assert.match(text, new RegExp(`You act as ${username}\\.`));
        return plain(data);
      };

      const { text, data } = await parts('find_work', { skills: 'Go', difficulty: 'easy' });
      assert.match(text, /Skills: Go\n- Difficulty: easy/);
      const available = await anyone.call('list_tasks', { status: 'available', difficulty: 'easy', sort: 'payout' });
      assert.deepEqual(plain(data), plain(available));

      // What is embedded is as it is then.
      const task_id = await world.sandbox.task(`Task of ${username}`);
      assert.equal((await about('work_on_task', { task_id })).status, 'available');
      await agent.call('commit_to_task', { task_id });
      assert.equal((await about('work_on_task', { task_id })).status, 'committed');
      await agent.call('submit_work', { task_id, submission_content: 'A draft.' });
      await world.sandbox.review(task_id, 'needs_revision', 'Add tests.');
      const revised = await about('answer_revision', { task_id });
      assert.equal(revised.submissions[0].review_notes, 'Add tests.');
      assert.deepEqual(revised, plain(await anyone.call('get_task', { task_id })));
      assert.deepEqual(await about('weigh_in', { project_id }), plain(await anyone.call('get_project', { project_id })));

      // opencode sends the literal arguments $1 and $2: the prompt is of use without.
      for (const [name, args, says] of [
        ['find_work', { skills: '$1', difficulty: '$2', days: '$3' }, /Difficulty: any/],
        ['work_on_task', { task_id: '$1' }, /find it with list_tasks/],
        ['weigh_in', { project_id: '${project_id}' }, /find it with list_projects/],
      ]) {
        assert.match((await parts(name, args)).text, says);
      }
      await way.fails(agent.prompt('work_on_task', {}), /task_id is required/, -32602);
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
