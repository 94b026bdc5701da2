// The built command as processes: a sandbox, whose CTO the test is, and a
// server of its agents.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, root, temporary } from './host.mjs';

/** build builds the command in a temporary folder, and returns its path. */
export function build() {
  const path = join(mkdtempSync(join(tmpdir(), 'polt-e2e-')), 'polt-mcp');
  execFileSync('go', ['build', '-o', path, './cmd/polt-mcp'], { cwd: root });
  return path;
}

/** command returns the path of the command, which setup.mjs has built. */
export function command() {
  assert.ok(process.env.E2E_COMMAND, 'run the tests with npm test');
  return process.env.E2E_COMMAND;
}

/** Process is the command as a process that listens on a free port. */
class Process {
  stdout = '';
  stderr = '';

  /** start starts it for the time of the test t, and waits until it says where it listens. */
  async start(t, ...args) {
    this.home = temporary(t);
    this.process = spawn(command(), [...args, '--addr', '127.0.0.1:0'], { cwd: root, env: environment(this.home) });
    t.after(() => this.process.kill('SIGKILL'));
    await new Promise((resolve, reject) => {
      this.process.on('exit', () => reject(new Error(this.stderr)));
      for (const stream of ['stdout', 'stderr']) {
        this.process[stream].on('data', (data) => {
          this[stream] += data;
          const address = this[stream].match(/(?:listening addr=|sandbox on http:\/\/)(\S+)\s/);
          if (address) resolve(this.url = `http://${address[1]}`);
        });
      }
    });
    return this;
  }

  /** end tells it to end, and checks what it leaves. */
  async end() {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    assert.deepEqual(await exited, [0, null], this.stderr);
    assert.doesNotMatch(this.stderr, /polt_[0-9a-f]{4}|WRN|ERR/);
    const left = readdirSync(this.home, { recursive: true }).filter((path) => path.includes('polt'));
    assert.deepEqual(left, [], 'left in the home of the user');
  }
}

/** Server serves agents over HTTP. */
export class Server extends Process {
  static start(t, ...flags) {
    return new Server().start(t, 'http', '--log-level', 'info', ...flags);
  }

  async end() {
    await super.end();
    assert.equal(this.stdout, `polt-mcp on ${this.url}/mcp\n`);
  }
}

/** Sandbox is a platform, on which nothing happens but what the test does. */
export class Sandbox extends Process {
  static start(t) {
    return new Sandbox().start(t, 'sandbox', '--cto-key', 'polt_cto');
  }

  /** cto has the CTO do something, and returns the platform's answer. */
  async cto(method, path, body) {
    const headers = { Authorization: 'Bearer polt_cto', ...(body && { 'Content-Type': 'application/json' }) };
    const response = await fetch(this.url + path, { method, headers, body: JSON.stringify(body) });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${text}`);
    return JSON.parse(text);
  }

  /** task makes a task, and returns its id. */
  async task(title) {
    const { projects: [project] } = await this.cto('GET', '/api/projects?status=development');
    const task = { project_id: project.id, title, description: 'What the title says.', payout_display: '5 POLT' };
    return (await this.cto('POST', '/api/tasks', task)).task.id;
  }

  /** review reviews the work that was submitted last to a task. */
  async review(task_id, outcome, review_notes) {
    const { submissions } = await this.cto('GET', `/api/tasks/${task_id}`);
    const submission = `/api/submissions/${submissions.at(-1).id}`;
    return outcome === 'needs_revision'
      ? this.cto('POST', `${submission}/request-revision`, { review_notes })
      : this.cto('PATCH', `${submission}/review`, { action: 'approve', review_notes });
  }
}

/** World is a sandbox with a server before it; over stdio each agent starts a server of its own. */
export class World {
  static async start(t, ...flags) {
    const world = new World();
    world.sandbox = await Sandbox.start(t);
    world.flags = ['--api-url', world.sandbox.url, ...flags];
    world.server = await Server.start(t, ...world.flags);
    return world;
  }

  /** stdio returns what a host starts a server with. */
  stdio() {
    return { command: command(), args: ['stdio', ...this.flags] };
  }

  async end() {
    await this.server.end();
    await this.sandbox.end();
  }
}
