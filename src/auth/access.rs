//! Keys that open a server.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::credentials::{is_secret, without_bearer};
use crate::wire::Secret;

/// The keys of a server. Each request must have one of them in the header `Authorization`, with or without
/// `Bearer`. Without a key the server is open.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccessKeys(Vec<Secret>);

/// Why a request has no access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAccess {
    /// It has no header `Authorization`.
    Missing,
    /// None of the keys is in the header.
    Wrong,
}

impl AccessKeys {
    /// Adds a key. An empty key grants access to nobody.
    pub(crate) fn add(&mut self, key: Secret) {
        self.0.push(key);
    }

    /// Returns whether every request has access.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks the headers of a request, and keeps its key out of their `Debug`.
    pub(crate) fn check(&self, headers: &mut HeaderMap) -> Result<(), NoAccess> {
        let given = headers.get_mut(AUTHORIZATION).map(|value| {
            value.set_sensitive(true);
            std::str::from_utf8(value.as_bytes()).unwrap_or_default().trim()
        });
        if self.is_open() {
            return Ok(());
        }
        let given = Secret::from(given.ok_or(NoAccess::Missing)?);
        // A key may itself begin with `Bearer `.
        let forms = [without_bearer(&given), given];
        let matches = self
            .0
            .iter()
            .flat_map(|key| forms.iter().map(|form| is_secret(key, form.expose().as_bytes())));
        // All of them are compared, so that the time does not tell which one is right.
        match matches.fold(false, |found, matches| found | matches) {
            true => Ok(()),
            false => Err(NoAccess::Wrong),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &[&str], header: Option<&str>) -> Result<(), NoAccess> {
        let mut known = AccessKeys::default();
        keys.iter().for_each(|key| known.add(Secret::from(*key)));
        let header = header.map(|value| (AUTHORIZATION, value.parse().unwrap()));
        known.check(&mut header.into_iter().collect())
    }

    #[test]
    fn a_key_is_accepted_with_and_without_bearer() {
        for key in ["key-1", "Bearer key-1", "bearer  key-1 ", "key-2"] {
            assert_eq!(check(&["key-1", "key-2"], Some(key)), Ok(()), "{key}");
        }
        assert_eq!(check(&["Bearer key-1"], Some("Bearer key-1")), Ok(()));
    }

    #[test]
    fn a_key_that_is_missing_wrong_or_empty_is_refused() {
        assert_eq!(check(&["key-1"], None), Err(NoAccess::Missing));
        for key in ["", "Bearer", "Bearer ", "key-2", "key-1x", "Basic key-1"] {
            assert_eq!(check(&["key-1"], Some(key)), Err(NoAccess::Wrong), "{key}");
        }
        assert_eq!(check(&[""], Some("")), Err(NoAccess::Wrong));
        assert_eq!(check(&[""], Some("Bearer ")), Err(NoAccess::Wrong));
    }

    #[test]
    fn without_a_key_every_request_has_access() {
        assert_eq!(check(&[], None), Ok(()));
        assert_eq!(check(&[], Some("key-1")), Ok(()));
    }
}
