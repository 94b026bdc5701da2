// Packs the npm packages out of what goreleaser has built: one for each
// platform with its binary, and polt-mcp, which depends on all of them.
//   node packaging/npm/build.mjs      # dist/… to dist/npm/*.tgz
import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { binaries, dist, root, version } from "../dist.mjs";

const here = join(root, "packaging/npm");
const out = join(dist, "npm");
const platforms = { linux: "linux", darwin: "darwin", windows: "win32" };
const architectures = { amd64: "x64", arm64: "arm64" };

const main = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
main.version = version;
main.optionalDependencies = {};

const exec = promisify(execFile);

async function pack(manifest, fill) {
  const folder = join(out, manifest.name.replace("/", "-").replace("@", ""));
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest, null, 2) + "\n");
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  fill(folder);
  await exec("npm", ["pack", "--silent", "--pack-destination", out], { cwd: folder });
}

rmSync(out, { recursive: true, force: true });
const packed = binaries.map(({ goos, goarch, path }) => {
  const os = platforms[goos], cpu = architectures[goarch];
  const name = `@openpolt/polt-mcp-${os}-${cpu}`;
  main.optionalDependencies[name] = version;
  const { homepage, bugs, repository, license, publishConfig } = main;
  return pack({
    name, version, description: `The polt-mcp binary for ${os} ${cpu}`,
    homepage, bugs, repository, license, os: [os], cpu: [cpu], files: ["bin"], preferUnplugged: true, publishConfig,
  }, (folder) => {
    const file = join(folder, "bin", os === "win32" ? "polt-mcp.exe" : "polt-mcp");
    cpSync(path, file);
    chmodSync(file, 0o755);
  });
});
await Promise.all(packed);
await pack(main, (folder) => {
  cpSync(join(here, "bin"), join(folder, "bin"), { recursive: true });
  cpSync(join(here, "README.md"), join(folder, "README.md"));
});
