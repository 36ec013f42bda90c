//! Conversions into the error of a handler and out of it.

use std::error::Error as StdError;
use std::fmt;

use callbot::server::{Error, Fault, FaultKind, SendError};

#[derive(Debug, Clone, PartialEq)]
struct NoSuchAccount(u32);

impl fmt::Display for NoSuchAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no account {}", self.0)
    }
}

impl StdError for NoSuchAccount {}

type Boxed = Box<dyn StdError + Send + Sync>;

/// Converts an error as `?` does in a handler.
fn fails<T>(error: T) -> Error
where
    Error: From<T>,
{
    let handler = || -> Result<(), Error> { Ok(Err(error)?) };
    handler().unwrap_err()
}

#[test]
fn every_kind_of_error_converts_with_a_question_mark() {
    assert_eq!(fails(NoSuchAccount(7)).to_string(), "no account 7");
    let anyhow = anyhow::Error::new(NoSuchAccount(7)).context("can't read the balance");
    assert_eq!(fails(anyhow).to_string(), "can't read the balance: no account 7");
    let boxed: Boxed = Box::new(NoSuchAccount(7));
    assert_eq!(fails(boxed).to_string(), "no account 7");
    assert_eq!(fails(String::from("closed")).to_string(), "closed");
    assert_eq!(fails("closed").to_string(), "closed");
}

#[test]
fn the_original_error_can_be_downcast() {
    assert_eq!(Error::from(NoSuchAccount(7)).downcast_ref(), Some(&NoSuchAccount(7)));
    assert_eq!(Error::from(SendError::Finished).downcast_ref(), Some(&SendError::Finished));
    assert_eq!(Error::from("closed").downcast_ref::<NoSuchAccount>(), None);
    assert_eq!(Error::unsupported().downcast_ref::<NoSuchAccount>(), None);
    let fault = Error::public("closed").status(404);
    assert_eq!(fault.downcast_ref::<Fault>().map(|fault| fault.status), Some(404));
}

#[test]
fn an_error_converts_to_a_boxed_error_and_back() {
    fn anyhow(result: Result<(), Error>) -> anyhow::Result<()> {
        result.map_err(|error| anyhow::Error::from_boxed(error.into_boxed()))
    }
    assert_eq!(anyhow(Err("closed".into())).unwrap_err().to_string(), "closed");

    let boxed: Boxed = Error::from(NoSuchAccount(7)).into_boxed();
    assert_eq!(boxed.downcast_ref(), Some(&NoSuchAccount(7)));

    for (error, status) in
        [(Error::public("closed").status(404).code("Closed"), 404), (Error::unsupported(), 501)]
    {
        let text = error.to_string();
        let boxed = error.into_boxed();
        assert_eq!(boxed.to_string(), text);
        let again = Error::from(boxed);
        assert_eq!(again.to_string(), text);
        let fault = again.downcast_ref::<Fault>().unwrap();
        assert_eq!((fault.kind, fault.status), (FaultKind::Public, status));
    }
}
