// Pins the newest version of each host in package.json, and locks it.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

for (const path of ['../package.json', 'package.json']) {
  const file = fileURLToPath(new URL(path, import.meta.url));
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  for (const group of ['devDependencies', 'optionalDependencies']) {
    for (const name in manifest[group]) {
      if (name.startsWith('node-linux-')) continue; // which runs the hosts, and is none
      const asked = name.replace('-linux-arm64', '-linux-x64'); // both have the same version
      manifest[group][name] = JSON.parse(execFileSync('npm', ['view', asked, 'version', '--json'], { encoding: 'utf8' }));
    }
  }
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  execFileSync('npm', ['install', '--package-lock-only', '--no-progress'], { cwd: dirname(file), stdio: 'inherit' });
}
