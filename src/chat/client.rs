//! The client of a language model, or of a bot behind a voice platform.

use std::borrow::Cow;

use super::{ChatCompletion, ChatRequest, ChatStream, CreateChatCompletionParameters, WireClient};
use crate::client::wrapper::header_secret;
use crate::client::{Answer, BuildClient, CallOptions, CoreBuilder, Error};
use crate::wire::Secret;

/// A client of any server with OpenAI's chat completions: a language model, or a bot.
///
/// Cheap to clone; all clones share their connections. `Debug` does not show the key.
///
/// ```
/// # #[cfg(feature = "server")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::client::Error> {
/// # use callbot::chat::{Api, CreateChatCompletionParameters, Reply, router};
/// use callbot::chat::{ChatRequest, Client, Message};
/// use callbot::text::sentences;
/// use futures_util::StreamExt;
/// # struct Model;
/// # impl Api for Model {
/// #     async fn create_chat_completion(
/// #         &self,
/// #         _: CreateChatCompletionParameters,
/// #         _: ChatRequest,
/// #         reply: &mut Reply,
/// #     ) -> Result<(), callbot::server::Error> {
/// #         reply.send("Your balance ").await?;
/// #         reply.finish("is ten euros.").await
/// #     }
/// # }
///
/// let client = Client::builder("https://model.example/v1")
/// #     .transport(callbot::client::InMemoryTransport::new(router(Model)))
///     .key("the key of your account")
///     .build()?;
/// let request = ChatRequest::new("large", [
///     Message::system("You answer the phone of a bank."),
///     Message::user("What is my balance?"),
/// ]);
///
/// let mut stream = client.stream(&request).await?;
/// let mut sentences = sentences(stream.texts());
/// while let Some(sentence) = sentences.next().await {
///     println!("{}", sentence?);
/// }
/// drop(sentences);
/// let completion = stream.completion().await?;
/// assert_eq!(completion.text, "Your balance is ten euros.");
/// assert!(completion.tool_calls.is_empty());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
///
/// # Servers that differ
///
/// Many servers are compatible only in part. The client reads what it can:
///
/// - fields that are missing, null or `""`, except the `choices` of an answer without a stream;
/// - comments, and events without data;
/// - a stream without `[DONE]`, if it has a `finish_reason`;
/// - a stream in place of one JSON body, and one JSON body in place of a stream;
/// - `reasoning` in place of `reasoning_content`;
/// - fragments of tool calls without an index, or that repeat the id and the name;
/// - an error object with the status 200.
///
/// # Failures
///
/// A failure of the server is an [`Error`] with a [`Failure`](crate::client::Failure). Its code is the `code`
/// of the error object, or its `type`. [`Error::body_as`] returns the whole object as an
/// [`ErrorAnswer`](super::ErrorAnswer). If the server repeats the key in it, the error has `[hidden]` in its
/// place.
///
/// # Deadlines and retries
///
/// [`CallOptions`] has the deadlines: for a whole answer, for the first event of a stream, and for the gap
/// between two events. A model may need longer than their defaults. Nothing is retried unless you set
/// [`retries`](CallOptions::retries), and never a stream that has begun.
#[derive(Debug, Clone)]
pub struct Client {
    inner: WireClient,
    key: Option<Secret>,
}

/// Builds a [`Client`].
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

/// The path of the operation, which users of other clients may have in the URL.
const PATH: &str = "/chat/completions";

impl Client {
    /// Returns a client of the server at `base_url`, without a key and with the default settings.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new(base_url: &str) -> Result<Self, Error> {
        Self::builder(base_url).build()
    }

    /// Returns a builder for a client of the server at `base_url`, such as `https://model.example/v1`.
    ///
    /// `/chat/completions` is appended to the URL, unless the URL already ends with it.
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder::new(base_url, Settings::default())
    }

    /// Returns the same client with other options. Both share their connections.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { inner: self.inner.with_options(options), ..self.clone() }
    }

    /// Asks for the next message as one body. Sends `stream: false`, whatever the request says, and no
    /// `stream_options`, which OpenAI refuses without a stream.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn complete(&self, request: &ChatRequest) -> Result<Answer<ChatCompletion>, Error> {
        let mut request = Cow::Borrowed(request);
        if request.stream_options.is_some() {
            request.to_mut().stream_options = None;
        }
        let answer = self.inner.create_chat_completion(&self.parameters(), &request).await;
        answer.map_err(|error| self.without_key(error))
    }

    /// Asks for the next message as a stream. Sends `stream: true`, whatever the request says. Returns once
    /// the head of the response has arrived.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn stream(&self, request: &ChatRequest) -> Result<ChatStream, Error> {
        let events = self.inner.create_chat_completion_stream(&self.parameters(), request).await;
        let events = events.map_err(|error| self.without_key(error))?;
        Ok(ChatStream::new(events, self.key.clone()))
    }

    fn parameters(&self) -> CreateChatCompletionParameters {
        let mut parameters = CreateChatCompletionParameters::new();
        let bearer = |key: &Secret| Secret::from(format!("Bearer {}", key.expose()));
        parameters.authorization = self.key.as_ref().map(bearer);
        parameters
    }

    fn without_key(&self, error: Error) -> Error {
        match &self.key {
            Some(key) => error.hide(key),
            None => error,
        }
    }
}

/// The settings that only this client has.
#[derive(Debug, Default)]
#[doc(hidden)]
pub struct Settings {
    key: Option<Secret>,
}

impl BuildClient for Client {
    type Settings = Settings;

    fn build(mut core: CoreBuilder, Settings { key }: Settings) -> Result<Self, Error> {
        let url = core.base_url.trim_end_matches('/');
        if let Some(base) = url.strip_suffix(PATH) {
            core.base_url = base.into();
        }
        let key = header_secret(key, "key")?;
        Ok(Self { inner: core.build()?.into(), key })
    }
}

/// Settings of chat completions.
impl ClientBuilder {
    /// Sets the key, which is sent as `Authorization: Bearer <key>`. A server that expects it in another
    /// header gets it with [`CallOptions::header`]. An empty key sends none. Default: none.
    ///
    /// A key with a character that a header can't contain fails [`build`](ClientBuilder::build).
    pub fn key(mut self, key: impl Into<Secret>) -> Self {
        self.settings.key = Some(key.into());
        self
    }
}
