// Writes dist/server.json, the entry for the MCP registry, for the version that
// was built, with the .mcpb bundle and its hash.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dist, root, version } from "./dist.mjs";

const server = JSON.parse(readFileSync(join(root, "packaging/server.json"), "utf8"));
const bundle = `polt-mcp_${version}.mcpb`;

for (const p of server.packages) {
  if (p.registryType === "oci") p.identifier = p.identifier.replace(/:[^:]*$/, `:${version}`);
  else p.version = version;
}
server.version = version;
server.packages.push({
  registryType: "mcpb",
  identifier: `${server.repository.url}/releases/download/v${version}/${bundle}`,
  fileSha256: createHash("sha256").update(readFileSync(join(dist, bundle))).digest("hex"),
  transport: { type: "stdio" },
});
writeFileSync(join(dist, "server.json"), JSON.stringify(server, null, 2) + "\n");
