// What goreleaser has left in dist/, for the packages that it does not build: the
// binaries of a release, or that of one platform (packaging/native).
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(fileURLToPath(import.meta.url), "../..");
export const dist = join(root, "dist");

const read = (name) => JSON.parse(readFileSync(join(dist, name), "utf8"));

/** The version that was built. */
export const { version } = read("metadata.json");

/** @typedef {{goos: string, goarch: string, path: string}} Binary */

const artifacts = read("artifacts.json").map((a) => ({ ...a, path: a.path && join(root, a.path) }));

/** @type {Binary[]} The binary of each platform. */
export const binaries = artifacts.filter((a) => a.type === "Binary" && a.goarch !== "all");
if (binaries.length === 0) throw new Error(`there are no binaries in ${dist}`);

/** @type {Binary | undefined} The one for both kinds of Mac. */
export const universal = artifacts.find((a) => a.goos === "darwin" && a.goarch === "all");
