// The official MCP Inspector on the command line. Each call of mcp-inspector is
// a process, which starts a server of its own or connects to one. What it does
// not have, completion and watching, mcpdo has, the Inspector's other command:
// that keeps its connection.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { Watch } from './agent.mjs';
import { buildTime, environment, root, temporary, until } from './host.mjs';

/** Inspector is the Inspector with the configuration of one server, in one era of the protocol. */
export class Inspector {
  constructor(t, config, name, era = 'legacy') {
    this.t = t;
    t.after(() => this.end()); // before its home goes
    this.config = ['--config', config];
    this.name = name;
    this.era = era;
    // There is no keychain here, and nothing to keep in it. What mcpdo keeps is
    // in the home.
    this.env = { ...environment(temporary(t)), MCP_INSPECTOR_SECRET_STORE: 'memory' };
  }

  spawn(command, ...args) {
    return spawn(command, args, { cwd: root, env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** output runs a command, and returns its exit status and all that it prints. */
  async output(command, ...args) {
    const process = this.spawn(command, ...args);
    const [stdout, stderr, [status]] = await Promise.all([text(process.stdout), text(process.stderr), once(process, 'exit')]);
    return { status, stdout, stderr };
  }

  /** run runs mcp-inspector, and returns its exit status and the result or the reports that it prints. */
  async run(method, ...args) {
    const { status, stdout, stderr } = await this.output(
      'mcp-inspector', '--cli', '--method', method, ...args, ...this.config, '--server', this.name,
      '--protocol-era', this.era, '--connect-timeout', buildTime, '--format', 'json',
    );
    const lines = stdout.trim().split('\n').filter(Boolean).map((line) => JSON.parse(line));
    return { status, stderr, lines, result: lines[0]?.result };
  }

  /** get runs mcp-inspector for something that must succeed, and returns its result. */
  async get(method, ...args) {
    const { status, stderr, result } = await this.run(method, ...args);
    if (status !== 0) throw new Error(stderr);
    return result;
  }

  /** call calls a tool that must succeed, and returns its answer. */
  async call(name, args = {}) {
    const { structuredContent } = await this.get('tools/call', '--tool-name', name, '--tool-args-json', JSON.stringify(args));
    return structuredContent;
  }

  async resources() {
    return (await this.get('resources/list')).resources;
  }

  async templates() {
    return (await this.get('resources/templates/list')).resourceTemplates;
  }

  async read(uri) {
    const { contents } = await this.get('resources/read', '--uri', uri);
    assert.equal(contents.length, 1, uri);
    return contents[0];
  }

  async prompts() {
    return (await this.get('prompts/list')).prompts;
  }

  async prompt(name, args = {}) {
    const pairs = Object.entries(args).map(([key, value]) => `${key}=${value}`);
    return (await this.get('prompts/get', '--prompt-name', name, ...(pairs.length > 0 ? ['--prompt-args', ...pairs] : []))).messages;
  }

  /** mcpdo runs mcpdo for something that must succeed, and returns what it prints. */
  async mcpdo(...args) {
    const { status, stdout, stderr } = await this.output('mcpdo', '--format', 'json', ...args);
    if (status !== 0) throw new Error(stderr);
    return stdout;
  }

  /** connection connects mcpdo, the first time, and returns how it names the connection. */
  async connection() {
    this.connected ??= this.mcpdo(...this.config, 'connect', this.name, '--era', this.era);
    await this.connected;
    return `@${this.name}`;
  }

  async complete(ref, name, value) {
    return JSON.parse(await this.mcpdo(
      await this.connection(), 'prompts/complete', '--complete-ref-type', ref.type, '--complete-ref', ref.name ?? ref.uri,
      '--complete-arg-name', name, '--complete-arg-value', value,
    )).values;
  }

  /** watch begins to watch a resource; stop of what it returns ends that. */
  async watch(uri) {
    const process = this.spawn('mcpdo', '--format', 'json', await this.connection(), 'resources/subscribe', uri);
    this.t.after(() => process.kill());
    const watch = new Watch();
    const stderr = text(process.stderr);
    await new Promise((resolve, reject) => {
      process.on('exit', async () => reject(new Error(await stderr)));
      createInterface({ input: process.stdout }).on('line', (line) => {
        if (line.includes('"subscribed"')) resolve();
        if (line.includes('"resources/updated"')) watch.tell();
      });
    });
    watch.stop = async () => {
      const exited = once(process, 'exit');
      process.kill('SIGINT');
      assert.deepEqual(await exited, [0, null]);
    };
    return watch;
  }

  /** end ends what keeps the connection, if there is one. */
  async end() {
    if (!this.connected) return;
    this.connected = undefined;
    await this.mcpdo('daemon', 'stop'); // which does not wait for it
    await until(() => this.mcpdo('daemon', 'status'), (status) => !JSON.parse(status).running);
  }
}

/** connect returns an Inspector for a server of a world, for an agent with a key, if one is given. */
export function connect(t, era, transport, world, key) {
  const server = transport === 'stdio' ? world.stdio() : {
    type: 'streamable-http',
    url: `${world.server.url}/mcp`,
    headers: key ? { Authorization: `Bearer ${key}` } : {},
  };
  const config = join(temporary(t), 'mcp.json');
  writeFileSync(config, JSON.stringify({ mcpServers: { polt: server } }));
  return new Inspector(t, config, 'polt', era);
}
