//! Region ids, from which host names are built.

use std::fmt;
use std::str::FromStr;

/// The id of a region, such as `cn-shanghai`.
///
/// It has two or more parts of lower-case letters and digits, joined by hyphens. The first part has
/// only letters. The id has at most 32 characters. Parsing refuses everything else, because the id can
/// come from a client and becomes part of a host name. The [`Client`](super::Client) decides whether
/// the region is allowed.
///
/// ```
/// use callbot::aui::ice::Region;
///
/// assert_eq!("ap-southeast-1".parse::<Region>()?.as_str(), "ap-southeast-1");
/// assert!("evil.example/".parse::<Region>().is_err());
/// # Ok::<(), callbot::aui::ice::RegionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region(String);

impl Region {
    /// The regions in the vendor's list of endpoints. It is not documented which of them have AI
    /// agents; samples use `cn-shanghai`.
    pub const LISTED: [&str; 6] =
        ["cn-shanghai", "cn-beijing", "cn-hangzhou", "cn-shenzhen", "ap-southeast-1", "us-west-1"];

    /// Returns the id.
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

/// A string is not a region id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionError;

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a region id, expected one such as `cn-shanghai`")
    }
}

impl std::error::Error for RegionError {}
