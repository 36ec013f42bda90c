# Shorthand for what a contributor does often. `just` is a package of PyPI (`rust-just`) and of crates.io.

# A step in a recipe stops at its first error, as .ci/run does.
set shell := ["bash", "-euo", "pipefail", "-c"]

# Lists the recipes.
default:
    @just --list

# The checks before each commit; the whole of .ci/run takes a quarter of an hour.
check: lint
    cargo test --all-features

# Format first: clippy's suggestions are easier to read then.
lint:
    cargo fmt
    cargo clippy --all-targets --all-features -- -D warnings

# One suite, or the tests of it whose names have a text: `just test duix token`.
test suite *filter:
    cargo test --all-features --test {{ suite }} -- {{ filter }}

# Writes the golden files anew. Read their diff: it is what every platform's code becomes.
golden:
    UPDATE_GOLDEN=1 cargo test --all-features --test compiler

# Writes the listing of the public API anew. From clean pages, since those of removed items would stay.
api:
    rm -rf target/doc
    cargo doc --all-features --no-deps
    .ci/api --update

# The documentation as docs.rs shows it, with all features.
doc:
    cargo doc --all-features --no-deps --open

# Shows what the compiler makes of a spec, by the name of its file: `just spec duix`.
spec name:
    cargo build --all-features
    ls -t target/debug/build/callbot-*/out/{{ name }}.rs | head -1

# Fuzzes each target for some seconds; a minute finds what an afternoon of thinking does not.
fuzz seconds="60":
    fuzz/run {{ seconds }}

# All that CI checks, or single steps of it.
ci *steps:
    .ci/run {{ steps }}
