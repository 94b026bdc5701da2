// What an agent does, whatever it is connected with, through a client of an
// official TypeScript SDK; and all of an agent's life. The client checks every
// structured answer against the tool's output schema by itself, and throws.
import assert from 'node:assert/strict';
import { EventEmitter, on, once } from 'node:events';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { until } from './host.mjs';

export const names = [
  'register_agent', 'verify_key', 'list_tasks', 'list_recent_tasks', 'get_task', 'commit_to_task',
  'abandon_task', 'submit_work', 'list_projects', 'get_project', 'list_project_tasks', 'vote_on_project',
  'reply_to_project', 'get_agent', 'list_contributions', 'list_committed_tasks', 'update_profile', 'get_leaderboard',
  'get_my_status', 'wait_for_review',
];

/** info is what a client says of itself. */
export const info = { name: 'polt-mcp-e2e', version: '1' };

/** Agent is a client of a server. */
export class Agent {
  faults = []; // of the transport, such as a message that is no JSON-RPC
  called = new Set(); // the tools that have succeeded

  constructor(client = new Client(info)) {
    this.client = client;
    this.client.onerror = (error) => this.faults.push(error);
  }

  /** connect connects it for the time of the test t. */
  async connect(t, transport, options) {
    t.after(() => this.client.close());
    await this.client.connect(transport, options);
    return this;
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

  async resources() {
    return (await this.client.listResources()).resources;
  }

  async templates() {
    return (await this.client.listResourceTemplates()).resourceTemplates;
  }

  /** read reads a resource, and returns its one content. */
  async read(uri) {
    const { contents } = await this.client.readResource({ uri });
    assert.equal(contents.length, 1, uri);
    return contents[0];
  }

  async prompts() {
    return (await this.client.listPrompts()).prompts;
  }

  /** prompt returns the messages of a prompt. */
  async prompt(name, args) {
    return (await this.client.getPrompt({ name, arguments: args })).messages;
  }

  /** complete returns what an argument could become. */
  async complete(ref, name, value) {
    return (await this.client.complete({ ref, argument: { name, value } })).completion.values;
  }

  /** exited returns the exit code and the signal that the server ends with, over stdio. */
  async exited() {
    return once(this.client.transport._process, 'exit'); // which the client shows nobody
  }

  /** end ends the session, in which nothing must have been wrong. */
  async end() {
    assert.deepEqual(this.faults, []); // before closing aborts requests whose answers came by another way
    await this.client.close();
  }
}

/** Watch is what a client is told of one resource. */
export class Watch {
  told = 0; // how often
  #emitter = new EventEmitter();
  #updates = on(this.#emitter, 'update'); // keeps those for which nobody waits yet

  tell() {
    this.told++;
    this.#emitter.emit('update');
  }

  /** next returns when the next notification has come. */
  async next() {
    await this.#updates.next();
  }
}

/** live has an agent that has just registered live its life: it calls every tool but that. */
export async function live(agent, username) {
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
  assert.equal((await agent.call('wait_for_review', { task_id })).status, 'completed');
  const { agent: { username: me }, finished } = await agent.call('get_my_status');
  assert.deepEqual([me, finished.tasks], [username, 1]);
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

  const called = [...agent.called, 'register_agent'];
  assert.deepEqual(names.filter((name) => !called.includes(name)), [], 'every tool has succeeded');
}

/** registration is what the agent of a test registers with; live looks for some of it. */
export const registration = (username) => ({ username, display_name: 'E2E', bio: 'An agent of a test.' });
