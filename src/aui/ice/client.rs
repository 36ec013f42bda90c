//! The client of ICE.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Method};
use percent_encoding::utf8_percent_encode;
use reqwest::Url;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    DescribeInstanceRequest, DescribeInstanceResponse, ErrorBody, GenerateCallRequest,
    GenerateCallResponse, Region, StartInstanceRequest, StartInstanceResponse, StopInstanceRequest,
    StopInstanceResponse, UpdateInstanceRequest, UpdateInstanceResponse,
};
use crate::auth::{Credentials, RESERVED, Scheme, Signer};
use crate::client::{
    Answer, BuildClient, CallOptions, Core, CoreBuilder, Error, Failure, Outcome, check,
};
use crate::clock::Clock;
use crate::codegen::Object;
use crate::wire::{self, Operation, Secret, Validate, Violation, decode, decode_value};

/// The base URL, in which the id of the region replaces `{region}`.
pub const BASE_URL: &str = "https://ice.{region}.aliyuncs.com";

/// The API version.
const VERSION: &str = "2020-11-09";

/// The longest URL of a request, in bytes: `http::Uri` accepts no longer one.
const LONGEST: usize = 65_534;

static GENERATE: Operation = action("GenerateAIAgentCall").once();
static START: Operation = action("StartAIAgentInstance").once();
static STOP: Operation = action("StopAIAgentInstance").once();
static UPDATE: Operation = action("UpdateAIAgentInstance").once();
static DESCRIBE: Operation = action("DescribeAIAgentInstance");

const fn action(id: &'static str) -> Operation {
    Operation::new(id, Method::POST, "/").with_secrets(&["Token", "AuthToken"])
}

/// Calls ICE with one access key, in one region at a time.
///
/// Only [`describe_instance`](Self::describe_instance) is ever retried, and only if the
/// [options](crate::client::ClientBuilder::options) say so. A failure that ICE reports is an error with
/// its [`Failure`]; [`Error::status`] has the HTTP status. The message from ICE is left out if it could
/// repeat a secret of the request.
///
/// Cheap to clone; all clones share their connections.
///
/// ```
/// # #[cfg(feature = "server")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::client::Error> {
/// use callbot::auth::Credentials;
/// use callbot::aui::ice::{Client, GenerateCallRequest};
///
/// # let answer = r#"{"InstanceId":"i1","ChannelId":"c1","AIAgentUserId":"a1","Token":"t1"}"#;
/// # let ice = axum::Router::new().route("/", axum::routing::post(move || async move { answer }));
/// let client = Client::builder(Credentials::new("key-1", "secret of the key"))
///     .regions(["cn-shanghai", "ap-southeast-1"])
///     // For this example only: ICE is a `Router` in the same process.
///     .transport(callbot::client::InMemoryTransport::new(ice))
///     .build()?;
/// let call = client.generate_call(&GenerateCallRequest::new("agent-1")).await?;
/// assert_eq!((&*call.instance_id, &*call.channel_id), ("i1", "c1"));
///
/// assert_eq!(client.region().as_str(), "cn-shanghai");
/// let singapore = client.with_region("ap-southeast-1")?;
/// singapore.generate_call(&GenerateCallRequest::new("agent-2")).await?;
/// assert!(client.with_region("us-west-1").is_err());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Client {
    core: Core,
    endpoints: Arc<[Endpoint]>,
    endpoint: Endpoint,
}

/// Builds a [`Client`].
///
/// By default the client calls [`BASE_URL`] of the region and retries nothing. Retries that you set
/// apply only to [`describe_instance`](Client::describe_instance). A base URL that you set, such as
/// that of a stand-in in a test, is used for all regions; it may contain `{region}`, which the id of
/// each region replaces. The region must still be an allowed one. All calls have the same path, and
/// are signed with the key that the builder was created with.
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

/// An allowed region, and its URL.
#[derive(Clone)]
struct Endpoint {
    region: Region,
    url: Url,
}

impl Client {
    /// Returns a builder for a client with this key. If it is a temporary key, build another client
    /// when the key is renewed.
    pub fn builder(credentials: Credentials) -> ClientBuilder {
        let settings = Settings {
            region: "cn-shanghai".into(),
            regions: Region::LISTED.map(String::from).into(),
        };
        ClientBuilder::new(BASE_URL, settings).sign(Signer::new(credentials, Scheme::Full))
    }

    /// Returns the same client in another region, which must be one of the
    /// [allowed](ClientBuilder::regions) ones. It is safe to pass an id that an app sent.
    ///
    /// # Errors
    /// If the region is not allowed; the [violation](Error::violations) is at `/region`.
    pub fn with_region(&self, region: &str) -> Result<Self, Error> {
        // `region` is only compared: the allowed regions and their URLs were checked at construction.
        let found = self.endpoints.iter().find(|endpoint| endpoint.region.as_str() == region);
        match found {
            Some(endpoint) => Ok(Self { endpoint: endpoint.clone(), ..self.clone() }),
            None => {
                // Input is shown escaped, and cut to 64 characters.
                let shown: String = region.chars().take(64).collect();
                let allowed: Vec<_> = self.regions().map(Region::as_str).collect();
                let allowed = allowed.join(", ");
                Err(Error::invalid(Violation::new("/region", Some(format!("{shown:?}")), allowed)))
            }
        }
    }

    /// Returns the region that is called.
    #[must_use]
    pub fn region(&self) -> &Region {
        &self.endpoint.region
    }

    /// Returns the allowed regions.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.endpoints.iter().map(|endpoint| &endpoint.region)
    }

    /// Returns the same client with other options. Both share their connections. Retries apply only to
    /// [`describe_instance`](Self::describe_instance).
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { core: self.core.with_options(options), ..self.clone() }
    }

    /// Creates an instance, a channel and a token for its user: `GenerateAIAgentCall`.
    ///
    /// # Errors
    /// See [`Error`]. A `Code` in the answer is also an error.
    pub async fn generate_call(
        &self,
        request: &GenerateCallRequest,
    ) -> Result<Answer<GenerateCallResponse>, Error> {
        self.call(&GENERATE, request).await
    }

    /// Starts an instance in a channel: `StartAIAgentInstance`.
    ///
    /// The agent's token is sent in the query, as all parameters are. Proxies between this client and
    /// ICE must not log it.
    ///
    /// # Errors
    /// See [`Error`]. A `Code` in the answer is also an error.
    pub async fn start_instance(
        &self,
        request: &StartInstanceRequest,
    ) -> Result<Answer<StartInstanceResponse>, Error> {
        let token = &request.runtime_config.auth_token;
        let started = self.call(&START, request).await;
        started.map_err(|error| error.map_failure(|failure| without(failure, token)))
    }

    /// Stops an instance: `StopAIAgentInstance`.
    ///
    /// # Errors
    /// See [`Error`]. A `Code` in the answer is also an error.
    pub async fn stop_instance(
        &self,
        request: &StopInstanceRequest,
    ) -> Result<Answer<StopInstanceResponse>, Error> {
        self.call(&STOP, request).await
    }

    /// Changes the configuration of a running instance: `UpdateAIAgentInstance`.
    ///
    /// # Errors
    /// See [`Error`]. A `Code` in the answer is also an error.
    pub async fn update_instance(
        &self,
        request: &UpdateInstanceRequest,
    ) -> Result<Answer<UpdateInstanceResponse>, Error> {
        self.call(&UPDATE, request).await
    }

    /// Returns the state and the configuration of an instance: `DescribeAIAgentInstance`. The answer
    /// can hold the agent's token.
    ///
    /// # Errors
    /// See [`Error`]. A `Code` in the answer is also an error.
    pub async fn describe_instance(
        &self,
        request: &DescribeInstanceRequest,
    ) -> Result<Answer<DescribeInstanceResponse>, Error> {
        self.call(&DESCRIBE, request).await
    }

    /// Sends a call. The transport signs each attempt separately.
    async fn call<T: DeserializeOwned + Object>(
        &self,
        operation: &'static Operation,
        request: &(impl Serialize + Validate),
    ) -> Result<Answer<T>, Error> {
        let request = self.request(operation, request)?;
        let answer = self.core.answer::<Reply<T>>(operation, request).await?;
        Ok(answer.map(|Reply(value)| value))
    }

    fn request(
        &self,
        operation: &'static Operation,
        request: &(impl Serialize + Validate),
    ) -> Result<reqwest::Request, Error> {
        check(operation, request)?;
        let mut pairs = pairs(operation, request)?;
        if let Some(config) = pairs.get_mut("AgentConfig") {
            respell(config);
        }
        // The form that is signed: sorted by name, with `%20` for a space.
        let parts: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (name, utf8_percent_encode(value, RESERVED).to_string()))
            .collect();
        let query: Vec<_> = parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut url = self.endpoint.url.clone();
        url.set_query(Some(&query.join("&")));
        if url.as_str().len() > LONGEST
            && let Some((name, value)) = parts.iter().max_by_key(|(_, value)| value.len())
        {
            let found = format!("{} bytes when encoded", value.len());
            let allowed = format!("a URL of at most {LONGEST} bytes for all parameters together");
            return Err(Error::invalid(Violation::new(format!("/{name}"), Some(found), allowed)));
        }
        let mut request = reqwest::Request::new(operation.method.clone(), url);
        let headers = request.headers_mut();
        headers.insert("x-acs-action", HeaderValue::from_static(operation.id));
        headers.insert("x-acs-version", HeaderValue::from_static(VERSION));
        Ok(request)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let regions: Vec<_> = self.regions().map(Region::as_str).collect();
        f.debug_struct("Client")
            .field("region", &self.region().as_str())
            .field("regions", &regions)
            .field("core", &self.core)
            .finish_non_exhaustive()
    }
}

/// Returns the fields of an object as the pairs of a query, sorted by name: strings as they are,
/// other values as JSON. Fields that are not set are left out.
fn pairs(
    operation: &'static Operation,
    value: &impl Serialize,
) -> Result<BTreeMap<String, String>, Error> {
    let fields = match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(Error::request(operation, "not an object")),
        Err(error) => return Err(Error::request(operation, error)),
    };
    let set = fields.into_iter().filter(|(_, value)| !value.is_null());
    Ok(set.map(|(name, value)| (name, wire::parameter(&value))).collect())
}

/// Renames `BackChannelingConfig` to `BackChannelingConfigs` and its `Enable` to `Enabled`. The first
/// names are those of the apps' SDK; ICE deprecates the one and does not have the other.
fn respell(config: &mut String) {
    let Ok(mut fields) = decode::<Map<String, Value>>(config.as_bytes()) else { return };
    let Some(mut words) = fields.remove("BackChannelingConfig") else { return };
    for item in words.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(enabled) = item.remove("Enable") {
            item.insert("Enabled".into(), enabled);
        }
    }
    fields.insert("BackChannelingConfigs".into(), words);
    *config = Value::Object(fields).to_string();
}

/// An answer without a failure. A body with a code is a failure, whatever else it has.
struct Reply<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = Value::deserialize(deserializer)?;
        if decode_value(&body).ok().and_then(reported).is_some() {
            return Err(D::Error::custom("a failure"));
        }
        decode_value(&body).map(Self).map_err(D::Error::custom)
    }
}

impl<T: Object> Outcome for Reply<T> {
    const KEYS: &'static [&'static str] = T::KEYS;

    fn failure(&self) -> Option<Failure> {
        None
    }

    fn failure_in(body: &[u8]) -> Option<Failure> {
        decode(body).ok().and_then(reported)
    }
}

/// Returns the failure that a body reports.
fn reported(body: ErrorBody) -> Option<Failure> {
    let code = body.code.filter(|code| !code.is_empty())?;
    // The message then repeats the string that ICE signed, which holds the whole request.
    let repeats = ["Signature", "SecurityToken"].iter().any(|part| code.contains(part));
    let message = body.message.filter(|_| !repeats);
    let throttled = code.starts_with("Throttling");
    let failure = Failure::new(code).with_message(message).with_request_id(body.request_id);
    Some(if throttled { failure.retryable() } else { failure })
}

/// Removes the message of a failure if it repeats `secret`, in whatever encoding.
fn without(failure: Failure, secret: &Secret) -> Failure {
    let secret = secret.expose();
    // No encoding changes letters and digits, and a token has long runs of them.
    let runs = secret.split(|c: char| !c.is_ascii_alphanumeric());
    let longest = runs.max_by_key(|run| run.len()).filter(|run| run.len() >= 8);
    let trace = longest.unwrap_or(secret);
    let repeats = failure.message().is_some_and(|message| message.contains(trace));
    if repeats && !trace.is_empty() { failure.with_message(None) } else { failure }
}

/// The settings that only this client has.
#[derive(Debug)]
#[doc(hidden)]
pub struct Settings {
    region: String,
    regions: Vec<String>,
}

impl BuildClient for Client {
    type Settings = Settings;

    fn build(mut core: CoreBuilder, settings: Settings) -> Result<Self, Error> {
        let Settings { region, regions } = settings;
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for id in regions {
            let region: Region =
                id.parse().map_err(|error| Error::settings(format!("{id:?}: {error}")))?;
            if endpoints.iter().all(|endpoint| endpoint.region != region) {
                let url = root(&core.base_url.replace("{region}", region.as_str()))?;
                endpoints.push(Endpoint { region, url });
            }
        }
        let endpoint = endpoints.iter().find(|endpoint| endpoint.region.as_str() == region);
        let Some(endpoint) = endpoint.cloned() else {
            let allowed: Vec<_> =
                endpoints.iter().map(|endpoint| endpoint.region.as_str()).collect();
            let allowed = allowed.join(", ");
            return Err(Error::settings(format!("the region is {region:?}, allowed: {allowed}")));
        };
        core.base_url = endpoint.url.as_str().into();
        Ok(Self { core: core.build()?, endpoints: endpoints.into(), endpoint })
    }
}

/// Settings of ICE.
///
/// [`build`](Self::build) fails if an allowed region is not a region id, if the region is not an
/// allowed one, or if the base URL contains a user name or password.
impl ClientBuilder {
    /// Sets the region that the client calls. [`Client::with_region`] changes it later. Default:
    /// `cn-shanghai`.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.settings.region = region.into();
        self
    }

    /// Sets the allowed regions. Default: [`Region::LISTED`].
    pub fn regions(mut self, regions: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.settings.regions = regions.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the clock that requests are dated by. Default: the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.core.signer = self.core.signer.map(|signer| signer.clock(clock));
        self
    }
}

/// Returns the path `/` below a base URL.
fn root(url: &str) -> Result<Url, Error> {
    let mut url = Url::parse(url)
        .map_err(|error| Error::settings_caused("the base URL is invalid", error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::settings("the base URL must not contain a user name or password"));
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}
