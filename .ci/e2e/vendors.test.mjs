// Agents that are written with the vendors' own packages get every tool, with
// every argument and its type, the whole of a result, and each prompt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { names } from './agent.mjs';
import { Agent1, connect } from './sdk.mjs';
import { World } from './server.mjs';
import { vendors } from './vendors.mjs';
import { concurrency, limit } from './ways.mjs';

/** warnings returns what is warned of from now on, whoever does so. */
function warnings(t) {
  const said = [];
  for (const name of ['warn', 'error']) t.mock.method(console, name, (...args) => said.push(args.join(' ')));
  t.mock.method(process.stderr, 'write', (text) => said.push(String(text)));
  globalThis.AI_SDK_LOG_WARNINGS = ({ warnings }) => said.push(JSON.stringify(warnings));
  return said;
}

/** untyped returns where a schema has a property without a type. */
function untyped(schema, path = '') {
  const here = !schema.enum && (!schema.type || /unspecified/i.test(schema.type)) ? [path] : [];
  const inner = Object.entries({ ...schema.properties, ...(schema.items && { '[]': schema.items }) });
  return [...here, ...inner.flatMap(([name, inner]) => untyped(inner, `${path}/${name}`))];
}

/** times counts how often something is seen, in JSON or in a string in it, however deep. */
const times = (seen, text) => JSON.stringify(seen).replaceAll('\\', '').split(text).length - 1;

/** plain leaves out what vendors add to a description, of what they take out of a schema. */
const plain = (tools) => tools.map((tool) => ({
  ...tool,
  arguments: Object.fromEntries(Object.entries(tool.arguments).map(([name, { description, ...argument }]) => [name, { ...argument, description: description.split('\n\n{')[0] }])),
})).sort((a, b) => a.name.localeCompare(b.name));

for (const results of ['auto', 'both', 'text']) {
  test(`vendors' packages, with results ${results}`, { concurrency }, async (t) => {
    const world = await World.start(t, '--results', results);
    const mcp = await connect(t, Agent1, 'streamable HTTP', world);
    const tools = (await mcp.tools()).map(({ name, description, inputSchema: { properties, required } }) => ({
      name,
      description,
      arguments: Object.fromEntries(Object.entries(properties).map(([name, { type, enum: values, description }]) => [name, { type, enum: values, description }])),
      required: required ?? [],
    }));
    assert.deepEqual(tools.map(({ name }) => name).sort(), [...names].sort());
    const leaderboard = { name: 'get_leaderboard', arguments: { limit: 1 } };
    const { _now, ...whole } = JSON.parse((await mcp.client.callTool(leaderboard)).content[0].text);
    for (const { name, open, seen, twice } of vendors) {
      await t.test(name, limit, async (t) => {
        const said = warnings(t);
        const vendor = await open(t, world);
        assert.deepEqual(plain(vendor.tools), plain(tools));
        assert.deepEqual((vendor.outputs ?? []).flatMap((schema) => untyped(schema)), []);
        if (vendor.call) {
          const leaders = await vendor.call(leaderboard.name, leaderboard.arguments);
          const often = { auto: seen, both: twice ? 2 : seen, text: 1 }[results];
          assert.equal(times(leaders, JSON.stringify(whole).slice(1, -1)), often, JSON.stringify(leaders));
          const refused = await vendor.call('get_task', { task_id: 'a title of a task' });
          assert.equal(times(refused, 'task_id is an id such as'), 1, JSON.stringify(refused));
        }
        if (vendor.strict) {
          assert.ok(vendor.strict.every(Boolean), 'a schema could not be made strict');
          // A model then gives every argument, and null for one that it leaves out.
          const { arguments: all } = tools.find(({ name }) => name === 'list_tasks');
          const listed = await vendor.call('list_tasks', { ...Object.fromEntries(Object.keys(all).map((name) => [name, null])), limit: 1 });
          assert.equal(times(listed, '"tasks":['), 1, JSON.stringify(listed));
        }
        assert.deepEqual(said, []);
      });
    }
    await mcp.end();
    await world.end();
  });
}

// Gemini CLI and Qwen Code take the first message, opencode the joined text, and
// Anthropic's helper throws at what it does not know. What was not filled in comes
// as it stands in the host's own template.
test('prompts', limit, async (t) => {
  const { mcpMessages } = await import('@anthropic-ai/sdk/helpers/beta/mcp');
  const world = await World.start(t);
  const mcp = await connect(t, Agent1, 'streamable HTTP', world);
  for (const { name, arguments: args } of await mcp.prompts()) {
    for (const fill of [(_, i) => `$${i + 1}`, (name) => `\${${name}}`, (name) => `{{${name}}}`, (name) => `<${name}>`]) {
      const given = Object.fromEntries(args.map(({ name }, i) => [name, fill(name, i)]));
      const messages = await mcp.prompt(name, given);
      const first = messages[0].content.text;
      assert.equal(messages.map(({ content }) => content.text).join(''), first, name);
      assert.deepEqual(mcpMessages(messages).map(({ role, content }) => [role, content.map(({ type, text }) => [type, text])]), [['user', [['text', first]]]]);
      assert.match(first, /list_(tasks|projects)|get_my_status/, name);
    }
  }
  await mcp.end();
  await world.end();
});
