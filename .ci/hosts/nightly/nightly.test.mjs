// Hosts that are too large for each change, as .ci/hosts/hosts.test.mjs has the
// others.
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { driven, Home } from '../home.mjs';
import { Model } from '../model.mjs';
import { calls, program, record } from '../versions.mjs';

/** endAll ends the processes that a host has left behind, which have its home. */
function endAll(home) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOME=${home.path}`)) continue;
      process.kill(Number(pid), 'SIGKILL');
    } catch (error) {
      if (!['EACCES', 'ENOENT', 'EPERM', 'ESRCH'].includes(error.code)) throw error; // another's, or it has ended
    }
  }
}

test('Cline lists the tools, and its model registers', async (t) => {
  const model = await new Model('register_agent', { username: 'ada' }).start(t);
  const home = new Home(t, { CLINE_NO_AUTO_UPDATE: '1' });
  const cline = program('Cline', 'bin/cline');
  home.install('cline', '--sandbox');
  try {
    await home.run(cline, 'auth', '-p', 'openai', '-k', 'loopback', '-m', 'loopback', '-b', `${model.url}/v1`);
    await driven(model, home, cline, 'Register as ada.');
  } finally {
    endAll(home); // it leaves one that would serve the next window
  }
  record('Cline', calls);
});
