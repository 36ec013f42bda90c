//! The end of a test whose program is not installed.

use std::io::{self, Write as _};

/// Ends the test binary as if its tests had passed, and says so: a program that all of them need is not
/// installed. With `CALLBOT_REQUIRE_REDIS` set, the test fails instead.
pub(crate) fn skip_all(program: &str, error: &io::Error) -> ! {
    skip("all tests of this binary", program, error);
    std::process::exit(0)
}

/// Says that these tests are skipped, since a program that they need is not installed. With
/// `CALLBOT_REQUIRE_REDIS` set, the test fails instead.
pub(crate) fn skip(tests: &str, program: &str, error: &io::Error) {
    let required = std::env::var_os("CALLBOT_REQUIRE_REDIS").is_some();
    assert!(!required, "{program} can't be started: {error}");
    // Written past the test harness, which hides the output of a passing test.
    let _ = writeln!(io::stderr(), "SKIPPED: {tests}: no {program}: {error}");
}
