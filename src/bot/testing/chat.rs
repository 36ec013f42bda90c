//! Plays a voice platform that asks for chat completions, in a test.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::act::{Act, CALLED, CALLER, built, options};
use super::transcript::{Record, Step};
use crate::bot::capabilities::{Platform, TransferKind};
use crate::bot::controls::{HangUp, Transfer};
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::needs::NeedsError;
use crate::bot::platforms::{ChatDialect, ChatSettings};
use crate::chat::{ChatRequest, Client};
use crate::client::InMemoryTransport;
use crate::lock::Mutex;

const KEY: &str = "test";
