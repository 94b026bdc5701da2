// Packs the .mcpb bundle out of what goreleaser has built.
//   node packaging/mcpb/build.mjs MCPB   # dist/… to dist/polt-mcp_VERSION.mcpb
// MCPB is the command of the npm package @anthropic-ai/mcpb.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaries, dist, root, universal, version } from "../dist.mjs";

const mcpb = process.argv[2] ?? "mcpb";
const bundle = join(dist, "mcpb");
const server = join(bundle, "server");

// One binary for each system: a bundle is the same for all architectures. What
// is built for amd64 runs on Windows on Arm too.
const amd64 = (goos) => binaries.find((b) => b.goos === goos && b.goarch === "amd64");
const files = { "polt-mcp": universal, "polt-mcp.exe": amd64("windows"), "polt-mcp-linux": amd64("linux") };

rmSync(bundle, { recursive: true, force: true });
mkdirSync(server, { recursive: true });
for (const [name, from] of Object.entries(files)) {
  if (!from) continue; // only one platform was built
  cpSync(from.path, join(server, name));
  chmodSync(join(server, name), 0o755);
}
cpSync(join(root, "LICENSE"), join(bundle, "LICENSE"));
cpSync(join(root, ".claude-plugin/icon.png"), join(bundle, "icon.png"));

const manifest = JSON.parse(readFileSync(join(root, "packaging/mcpb/manifest.json"), "utf8"));
manifest.version = version;
const { tools } = JSON.parse(execFileSync(join(root, "build/polt-mcp"), ["tools", "--json"], { encoding: "utf8" }));
manifest.tools = tools.map(({ name, description }) => ({ name, description }));
writeFileSync(join(bundle, "manifest.json"), JSON.stringify(manifest, null, 2) + "\n");

execFileSync(mcpb, ["pack", bundle, join(dist, `polt-mcp_${version}.mcpb`)], { stdio: "inherit" });
