//! Regions, of whose ids hosts are built.

use std::fmt;
use std::str::FromStr;

/// The id of a region, such as `cn-shanghai`: two or more parts of lower-case letters and digits, the
/// first of letters alone, with hyphens between them; at most 32 characters.
///
/// It becomes a part of a host, and it can come from a client: nothing else gets into it. Whether the
/// region is one of those that are served is for the [`Client`](super::Client) to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl Region {
    /// The regions that the vendor's list of endpoints has. Which of them have AI agents is not
    /// documented; samples use `cn-shanghai`.
    pub const LISTED: [&str; 6] =
        ["cn-shanghai", "cn-beijing", "cn-hangzhou", "cn-shenzhen", "ap-southeast-1", "us-west-1"];

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(id: &str) -> Result<Self, RegionError> {
        let mut parts = id.split('-');
        let first = parts.next().unwrap_or_default();
        let rest: Vec<_> = parts.collect();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = id.len() <= 32
            && !first.is_empty()
            && first.bytes().all(|byte| byte.is_ascii_lowercase())
            && !rest.is_empty()
            && rest.iter().all(|part| !part.is_empty() && part.bytes().all(plain));
        if fits { Ok(Self(id.into())) } else { Err(RegionError) }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text that is no id of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionError;

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the id of a region, which looks like `cn-shanghai`")
    }
}

impl std::error::Error for RegionError {}
