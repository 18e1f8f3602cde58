#!/usr/bin/env bash
# maturin (PyPI): a source distribution cannot be built if the path dependency with a target that is not packaged is the
# workspace's root package; as a member it can.
#
# Guess: `maturin sdist` packages as `cargo package` does, which drops targets whose files `include` leaves out.
# Version: maturin 1.16.0, the newest; cargo 1.95.
# Behaviour: maturin drops such targets from the manifests of the package and of path dependencies (shown by `member`), but not
# from the manifest of a package that is the workspace's root, which it writes in another way. `maturin sdist` itself
# reports nothing; whoever installs from the archive gets the error of cargo.
# Output on 2026-11-27:
#   member: wheel built from the archive
#   root: can't find `x` example at `examples/x.rs` or `examples/x/main.rs`. Please specify example.path if you want to use a non-default path.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check maturin==1.16.0

# Writes a library with an example that is not packaged to folder $1, whose manifest begins with $2, and a program that
# depends on it to folder $3.
packages() {
  mkdir -p "$1/src" "$1/examples" "$3/src"
  touch "$1/src/lib.rs"
  echo 'fn main() {}' | tee "$1/examples/x.rs" >"$3/src/main.rs"
  printf '%b[package]\nname = "lib"\nversion = "0.1.0"\nedition = "2021"\ninclude = ["/src"]\n\n[[example]]\nname = "x"\n' "$2" >"$1/Cargo.toml"
  printf '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nlib = { path = "../%s" }\n' "$4" >"$3/Cargo.toml"
  printf '[build-system]\nrequires = ["maturin"]\nbuild-backend = "maturin"\n\n[project]\nname = "app"\ndynamic = ["version"]\n\n[tool.maturin]\nbindings = "bin"\n' >"$3/pyproject.toml"
}
# Prints what becomes of a wheel that is built from the archive.
build() {
  if (cd "$2" && cargo build --quiet && "$work/venv/bin/maturin" build --sdist --out "$work/$1") >"$1.log" 2>&1; then
    echo "$1: wheel built from the archive"
  else
    echo "$1: $(grep -o "can't find .*" "$1.log")"
  fi
}
packages members/lib '' members/app lib
printf '[workspace]\nmembers = ["app", "lib"]\nresolver = "2"\n' >members/Cargo.toml
packages rooted '[workspace]\nmembers = ["app"]\n\n' rooted/app ''

{
  build member members/app
  build root rooted/app
} | tee output
diff output - <<'EXPECTED'
member: wheel built from the archive
root: can't find `x` example at `examples/x.rs` or `examples/x/main.rs`. Please specify example.path if you want to use a non-default path.
EXPECTED
