// Hosts that are too large for each change, as .ci/hosts/hosts.test.mjs has the
// others.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { driven, Home } from '../home.mjs';
import { Model } from '../model.mjs';
import { calls, program, record } from '../versions.mjs';

/** ownerOf returns the process that has a lock of Cline, if one has. */
function ownerOf(home) {
  const lock = join(home.path, '.cline/data/locks/hub/production.json.lock/owner.json');
  return existsSync(lock) ? JSON.parse(readFileSync(lock, 'utf8')).pid : undefined;
}

test('Cline lists the tools, and its model registers', async (t) => {
  const model = await new Model('register_agent', { username: 'ada' }).start(t);
  const home = new Home(t, { CLINE_NO_AUTO_UPDATE: '1' });
  const cline = program('Cline', 'bin/cline');
  home.install('cline', '--sandbox');
  await home.run(cline, 'auth', '-p', 'openai', '-k', 'loopback', '-m', 'loopback', '-b', `${model.url}/v1`);
  // It leaves a process behind, which serves the next window.
  t.after(() => ownerOf(home) && process.kill(ownerOf(home), 'SIGKILL'));
  await driven(model, home, cline, 'Register as ada.');
  record('Cline', calls);
});
