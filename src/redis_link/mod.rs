//! The connection to Redis, for each part of this crate that needs one.
//!
//! The crate `redis` has a connection manager. It is not used: while Redis is down, a command takes nine
//! seconds with its defaults, and it never replaces a connection whose server hangs. Nor is its TLS used: it
//! panics if both providers of rustls are compiled in and the process has chosen none.

mod address;
mod error;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Value};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::AbortHandle;

pub(crate) use self::address::Address;
pub(crate) use self::error::LinkError;

/// One connection to Redis, opened when it is needed, and again when it has been marked as broken.
pub(crate) struct Link {
    address: Arc<Address>,
    /// Where the connection is driven. `None` is the runtime of the task that opens it.
    runtime: Option<Handle>,
    current: Mutex<Current>,
    /// Connections with this number or a lower one are broken.
    broken: AtomicU64,
}

/// The connection and its number, counted from 1.
#[derive(Default)]
struct Current {
    number: u64,
    connection: Option<Connection>,
}

/// A connection. Clones share it; dropping the last one closes it.
#[derive(Clone)]
pub(crate) struct Connection {
    inner: MultiplexedConnection,
    _driver: Arc<Driver>,
}

/// The task that reads and writes. It must be stopped, since it waits for answers that never come.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    pub(crate) fn new(address: Arc<Address>, runtime: Option<Handle>) -> Self {
        Self { address, runtime, current: Mutex::default(), broken: AtomicU64::new(0) }
    }

    /// Returns the connection, its number, and whether it is new. Tasks that need a new one wait for the
    /// same one.
    pub(crate) async fn connection(&self) -> Result<(u64, bool, Connection), LinkError> {
        let mut current = self.current.lock().await;
        let (is_new, connection) = match &current.connection {
            Some(connection) if current.number > self.broken.load(Relaxed) => {
                (false, connection.clone())
            }
            _ => {
                current.connection = None;
                let opening = Connection::open(self.address.clone());
                let new = match &self.runtime {
                    Some(runtime) => {
                        let opening = runtime.spawn(opening);
                        // If the task that waits is dropped, so is the connection.
                        let _driver = Driver(opening.abort_handle());
                        opening.await.map_err(|_| LinkError::stopped())??
                    }
                    None => opening.await?,
                };
                current.number += 1;
                (true, current.connection.insert(new).clone())
            }
        };
        Ok((current.number, is_new, connection))
    }

    /// Marks the connection with this number, and those before it, as broken.
    pub(crate) fn mark_broken(&self, number: u64) {
        self.broken.fetch_max(number, Relaxed);
    }
}

impl Connection {
    async fn open(address: Arc<Address>) -> Result<Self, LinkError> {
        let stream = address.stream().await?;
        // The caller bounds the time.
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let opened = MultiplexedConnection::new_with_config(address.settings(), stream, config);
        let (inner, driver) = opened.await.map_err(|error| LinkError::of(&error).connecting())?;
        let driver = tokio::spawn(driver);
        Ok(Self { inner, _driver: Arc::new(Driver(driver.abort_handle())) })
    }

    /// Sends a command.
    pub(crate) async fn command(&mut self, command: &Cmd) -> Result<Value, LinkError> {
        let answer = self.inner.send_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        answer.map_err(|error| LinkError::of(&error))
    }

    /// Sends several commands, and returns their answers.
    #[cfg(feature = "redis-store")]
    pub(crate) async fn commands(
        &mut self,
        commands: &redis::Pipeline,
    ) -> Result<Vec<Value>, LinkError> {
        let answers: Result<Vec<Value>, _> = commands.query_async(&mut self.inner).await;
        answers.map_err(|error| LinkError::of(&error))
    }
}
