//! What a test does without a program that it starts.

use std::io::{self, Write as _};

/// Ends the test binary as if its tests had passed, and says so: a program that all of them need is not
/// installed. With `CALLBOT_REQUIRE_REDIS` set, the test fails instead.
pub(crate) fn skip_all(program: &str, error: &io::Error) -> ! {
    let required = std::env::var_os("CALLBOT_REQUIRE_REDIS").is_some();
    assert!(!required, "{program} can't be started: {error}");
    // Written past the test harness, which hides the output of a passing test.
    let _ = writeln!(io::stderr(), "SKIPPED: all tests of this binary: no {program}: {error}");
    std::process::exit(0)
}
