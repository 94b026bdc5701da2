// Agents live their whole lives over streamable HTTP and over SSE: one server,
// and each agent with its own key.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Agent, live, names, registration } from './agent.mjs';
import { environment, root, temporary } from './host.mjs';

/** Server is the built command as a process, on a sandbox of its own. */
class Server {
  stdout = '';
  stderr = '';

  static async start(t) {
    const server = new Server();
    server.home = temporary(t);
    const env = environment(server.home);
    const command = join(temporary(t), 'polt-mcp');
    execFileSync('go', ['build', '-o', command, './cmd/polt-mcp'], { cwd: root, env });
    const args = ['http', '--addr', '127.0.0.1:0', '--sandbox', '--auto-review', '--review-delay', '100ms', '--log-level', 'info'];
    server.process = spawn(command, args, { cwd: root, env });
    t.after(() => server.process.kill('SIGKILL'));
    server.process.stdout.on('data', (data) => { server.stdout += data; });
    await new Promise((resolve, reject) => {
      server.process.on('exit', () => reject(new Error(server.stderr)));
      server.process.stderr.on('data', (data) => {
        server.stderr += data;
        const address = server.stderr.match(/listening addr=(\S+)/);
        if (address) resolve(server.url = `http://${address[1]}`);
      });
    });
    return server;
  }

  /** agent connects an agent that says who it is by its key, if it has one. */
  agent(t, transport, key) {
    const options = { requestInit: { headers: key ? { Authorization: `Bearer ${key}` } : {} } };
    return new Agent().connect(t, transports[transport](this.url, options));
  }

  /** end tells the server to end, and checks what it leaves. */
  async end() {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null], this.stderr);
    assert.equal(this.stdout, '');
    assert.doesNotMatch(this.stderr, /polt_[0-9a-f]{4}|WRN|ERR/);
    const left = readdirSync(this.home, { recursive: true }).filter((path) => path.includes('polt'));
    assert.deepEqual(left, [], 'left in the home of the user');
  }
}

const transports = {
  'streamable HTTP': (url, options) => new StreamableHTTPClientTransport(new URL('/mcp', url), options),
  SSE: (url, options) => new SSEClientTransport(new URL('/sse', url), options),
};

test('agents of one server', async (t) => {
  const server = await Server.start(t);
  const keys = {};

  for (const transport of Object.keys(transports)) {
    const username = `e2e-${transport.replace(' ', '-').toLowerCase()}`;
    await t.test(`an agent lives its whole life over ${transport}`, async (t) => {
      const stranger = await server.agent(t, transport);
      assert.deepEqual((await stranger.tools()).map((tool) => tool.name).sort(), [...names].sort());
      assert.equal((await stranger.fail('verify_key')).code, 'unauthenticated');
      const { api_key } = await stranger.call('register_agent', registration(username));
      assert.match(api_key, /^polt_/, 'the server keeps no key for the agent, so the agent gets it');
      assert.equal((await stranger.fail('verify_key')).code, 'unauthenticated', 'who has registered is known by the key alone');
      await stranger.client.close();

      const agent = await server.agent(t, transport, api_key);
      await agent.tools();
      await live(agent, username);
      await agent.client.close();
      assert.deepEqual([...stranger.faults, ...agent.faults], []);
      keys[username] = { api_key, transport };
    });
  }

  await t.test('each acts as itself, at the same time', async (t) => {
    const agents = await Promise.all(Object.entries(keys).map(async ([username, { api_key, transport }]) => (
      { username, agent: await server.agent(t, transport, api_key) }
    )));
    assert.equal(agents.length, 2);
    const rounds = Array.from({ length: 50 }, () => agents).flat();
    await Promise.all(rounds.map(async ({ username, agent }) => {
      assert.ok(JSON.stringify(await agent.call('verify_key')).includes(username));
    }));
    await Promise.all(agents.map(({ agent }) => agent.client.close()));
  });

  await server.end();
});
