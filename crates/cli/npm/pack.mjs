// Writes a package to OUT/NAME, ready for `npm publish`: the one with the JavaScript, or with PLATFORM and BINARY the one with
// the binary of a platform, such as linux-x64.
//
// Usage: node pack.mjs OUT [PLATFORM BINARY]
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

const PLATFORMS = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-x64"];

const here = import.meta.dirname;
const [out, platform, binary] = process.argv.slice(2);
if (!out || (platform && !(PLATFORMS.includes(platform) && binary))) {
  console.error(`usage: node pack.mjs OUT [PLATFORM BINARY], where PLATFORM is one of ${PLATFORMS.join(", ")}`);
  process.exit(2);
}

const base = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const manifest = readFileSync(join(here, "../../../Cargo.toml"), "utf8");
base.version = /\[workspace\.package\]\nversion = "(.+)"/.exec(manifest)[1];
if (platform) {
  const [os, cpu] = platform.split("-");
  const { version, license, repository } = base;
  const name = `${base.name}-${platform}`;
  const description = `The binary of the package ${base.name} for ${platform}`;
  const libc = os === "linux" ? { libc: ["glibc"] } : {};
  write({ name, version, description, license, repository, os: [os], cpu: [cpu], ...libc, preferUnplugged: true }, [binary]);
  chmodSync(join(out, name, basename(binary)), 0o755);
} else {
  base.optionalDependencies = Object.fromEntries(PLATFORMS.map((each) => [`${base.name}-${each}`, base.version]));
  write(base, ["README.md", "bin.js", "binary.js", "index.js", "index.d.ts"].map((file) => join(here, file)));
}

function write(contents, files) {
  const folder = join(out, contents.name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(contents, null, 2)}\n`);
  const licences = ["LICENSE-APACHE", "LICENSE-MIT"].map((file) => join(here, "../../..", file));
  for (const file of [...files, ...licences]) cpSync(file, join(folder, basename(file)));
}
