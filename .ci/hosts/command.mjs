// The built command, and a server of it.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../e2e/host.mjs';

let built;

/** command returns the path of the command, which is built once. */
export function command() {
  if (!built) {
    const dir = mkdtempSync(join(tmpdir(), 'polt-hosts-'));
    process.on('exit', () => rmSync(dir, { recursive: true, force: true }));
    execFileSync('go', ['build', '-o', join(dir, 'polt-mcp'), './cmd/polt-mcp'], { cwd: root });
    built = join(dir, 'polt-mcp');
  }
  return built;
}

/** serve starts a server with a sandbox for the time of the test t, and returns its URL. */
export async function serve(t, env) {
  const server = spawn(command(), ['http', '--sandbox', '--addr', '127.0.0.1:0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => server.kill('SIGKILL'));
  let said = '';
  for await (const chunk of server.stdout) {
    said += chunk;
    const url = said.match(/http:\/\/\S+\/mcp/);
    if (url) {
      server.stdout.resume();
      return url[0];
    }
  }
  throw new Error(`the server has ended: ${said}`);
}
