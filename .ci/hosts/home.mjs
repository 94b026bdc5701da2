// A user's home with a host in it.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { temporary } from '../e2e/host.mjs';
import { command } from './command.mjs';

/** bin has the programs of the npm packages of this folder. */
export const bin = fileURLToPath(new URL('node_modules/.bin/', import.meta.url));

/** Home is the home of a user who has a host, and sets nothing of POLT. */
export class Home {
  constructor(t, env = {}) {
    this.path = temporary(t);
    this.env = {
      PATH: `${bin}:${process.env.PATH}`, HOME: this.path, XDG_CONFIG_HOME: join(this.path, '.config'),
      LANG: 'C.UTF-8', CI: '1', TERM: 'xterm-256color', ...env,
    };
    this.work = join(this.path, 'work');
    mkdirSync(this.work);
  }

  /** write writes a file that the user has before. */
  write(path, value) {
    mkdirSync(dirname(join(this.path, path)), { recursive: true });
    writeFileSync(join(this.path, path), JSON.stringify(value, null, 2));
  }

  json(path) {
    return JSON.parse(readFileSync(join(this.path, path), 'utf8'));
  }

  install(host, ...args) {
    return execFileSync(command(), ['install', host, '--yes', '--command', command(), ...args], { env: this.env, cwd: this.work, encoding: 'utf8' });
  }

  /** run runs a host's command, and returns what it prints. */
  async run(path, ...args) {
    const process = spawn(path, args, { env: this.env, cwd: this.work, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer = setTimeout(() => process.kill('SIGKILL'), 120_000);
    const [stdout, stderr] = await Promise.all([text(process.stdout), text(process.stderr)]);
    clearTimeout(timer);
    return stdout + stderr;
  }
}

/** tools returns the names of the tools that there are. */
export const tools = () => JSON.parse(execFileSync(command(), ['tools', '--json'], { encoding: 'utf8' })).tools.map((tool) => tool.name).sort();

/** driven has a model register an agent by a host, which must have offered it every tool. */
export async function driven(model, home, path, ...args) {
  const output = await home.run(path, ...args);
  const ours = model.offered.filter((name) => /polt.sandbox/.test(name)).map((name) => name.replace(/^.*polt.sandbox(__\/|__|_|-|\/)?/, ''));
  assert.deepEqual(ours.sort(), tools(), `${output}\n${model.requests.join('\n')}`);
  assert.match(model.result, /agent_id/, output);
  assert.match(model.result, /acts as ada/);
}
