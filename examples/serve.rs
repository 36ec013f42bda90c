//! Serves the demo bot for real platforms: Digital Employee at `/proxy/…`, DUIX at `/duix/dialogue`
//! and `/duix/dialogue/stream`, ODFS at `/oifde/rest/…`, AICall and other platforms with chat completions at
//! `/v1/chat/completions`. It also serves an AUI Kits app server, with agents in memory, at
//! `/api/v1/aiagent` and `/api/v2/aiagent`, and receives AICall's callbacks at `/aicall/callback`.
//!
//! ```text
//! serve [--listen ADDRESS] [--key-id ID] [--grace SECONDS] [--cors-any] [--dev]
//!       [--metrics ADDRESS] [--log-format text|json]
//! ```
//!
//! - Without `--listen` it follows the rules of Function Compute's custom runtime.
//! - With `--key-id` it accepts only signed requests of Digital Employee. `CALLBOT_KEY_SECRET` is the
//!   secret of the key.
//! - With `CALLBOT_DUIX_SECRET` requests of DUIX need that value in the header `x-callbot-secret`.
//! - With `CALLBOT_ODFS_APP_KEY` and `CALLBOT_ODFS_APP_SECRET` requests of ODFS need a token, which
//!   that account gets at `gettoken`.
//! - With `CALLBOT_ODFS_REDIS`, the URL of the platform's Redis, the bot understands the speech of ODFS's
//!   voice platform, which arrives as the key of a text. This needs the feature `redis`.
//! - With `CALLBOT_CHAT_KEY` chat completions are served, to requests with that API key, and the agents in
//!   memory ask the bot with it. Without it they are closed.
//! - With `CALLBOT_AICALL_TOKEN` callbacks of AICall are received that have that token. Without it they are
//!   closed.
//! - With `CALLBOT_AUI_TOKEN` requests of the app server need that value in `Authorization`.
//! - `CALLBOT_RTC_APP_ID` and `CALLBOT_RTC_APP_KEY` are the RTC app of the join tokens. Default: a demo
//!   app. If they are set, `CALLBOT_AUI_TOKEN` must be set too.
//! - `CALLBOT_MESSAGE_APP_ID`, `CALLBOT_MESSAGE_APP_KEY` and `CALLBOT_MESSAGE_APP_SIGN` are the app of the
//!   message chat tokens, with the same rules.
//! - `--cors-any` lets the pages of every origin call the app server, for a web client under
//!   development.
//! - `--dev` adds `POST /dev/say`, for development: its body, such as `{"instance_id":"…","text":"Hello"}`,
//!   is what the user says to an agent in memory, and the answer is what the agent says. It has the token
//!   of the app server.
//! - `--metrics` serves the metrics of [`callbot::observe::Metrics`] for Prometheus, at `/metrics` on that
//!   address. This needs the feature `metrics`.
//! - `--log-format json` writes each event of the log as one line of JSON. Default: `text`.
//! - `RUST_LOG` sets what is logged, in the syntax of `tracing_subscriber::EnvFilter`, such as
//!   `info,callbot=debug`. Default: `info`.
//! - After SIGTERM or Ctrl-C running turns may take `--grace` seconds to finish. Default: 30.

mod agents;
mod clerk;

use std::env::VarError;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use callbot::aicall::callback;
use callbot::aui::{AnyCaller, ChatTokens, InMemoryAgents, KnownCallers, RtcTokens};
use callbot::auth::{Credentials, Verifier, VerifyLayer};
use callbot::bot::{Host, OdfsSettings, Platform};
use callbot::client::InMemoryTransport;
use callbot::function_compute;
use callbot::observe::Observer;
use callbot::odfs;
use callbot::server::serve;
use clerk::Clerk;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, StatusCode};
use lexopt::prelude::{Long, ValueExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// What the caller hears when a turn fails.
const APOLOGY: &str = "I am sorry, something went wrong. Please ask me again.";

const USAGE: &str = "\
usage: serve [--listen ADDRESS] [--key-id ID] [--grace SECONDS] [--cors-any] [--dev]
             [--metrics ADDRESS] [--log-format text|json]

The log goes to the standard error. RUST_LOG sets what is logged, such as `info,callbot=debug`.
--metrics serves Prometheus at /metrics on that address (needs the feature `metrics`).

The voice platform of ODFS keeps what callers say in its Redis. To understand it, set
CALLBOT_ODFS_REDIS to the URL of that Redis (needs the feature `redis`).
examples/README.md lists all variables.";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("serve: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::read(lexopt::Parser::from_env())? else {
        println!("{USAGE}");
        return Ok(());
    };
    log(options.log_format)?;
    let observer = observer(&options).await?;
    // Digital Employee has its own answer to a failure. The others would be silent, or release the call.
    let silent =
        [Platform::Duix, Platform::DuixStream, Platform::Odfs, Platform::AiCall, Platform::Chat];
    let host = silent
        .into_iter()
        .fold(Host::builder(Clerk), |host, platform| host.apology_on(platform, APOLOGY))
        .odfs_settings(odfs_settings()?)
        // Function Compute freezes the process between requests.
        .freezes(std::env::var_os("FC_FUNCTION_NAME").is_some());
    let host = match &observer {
        Some(observer) => host.observer(observer.clone()),
        None => host,
    };
    let host = host.build();
    let router = router(&options, &host, observer)?;
    let listener = TcpListener::bind(options.listen).await?;
    let address = listener.local_addr()?;
    // Handles SIGTERM from here on: a supervisor may send it once it has read the line below.
    let served = serve(listener, router).host(&host).grace(options.grace).into_future();
    println!("listening on http://{address}");
    Ok(served.await?)
}

/// Writes the log to the standard error. `RUST_LOG` sets what is logged.
fn log(format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env();
    let filter = filter.map_err(|error| format!("RUST_LOG: {error}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

/// Returns what counts calls and turns, and serves what it counts, with `--metrics`.
async fn observer(options: &Options) -> Result<Option<Arc<dyn Observer>>, Box<dyn Error>> {
    match options.metrics {
        #[cfg(feature = "metrics")]
        Some(address) => Ok(Some(metrics(address).await?)),
        #[cfg(not(feature = "metrics"))]
        Some(_) => Err("--metrics needs the feature `metrics`".into()),
        None => Ok(None),
    }
}

/// Serves metrics for Prometheus on an address of their own, which the platforms need not reach.
#[cfg(feature = "metrics")]
async fn metrics(address: SocketAddr) -> Result<Arc<dyn Observer>, Box<dyn Error>> {
    use axum::http::header::CONTENT_TYPE;
    use callbot::observe::{BUCKETS_SECONDS, Metrics};
    use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

    let seconds = Matcher::Suffix("_seconds".into());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &BUCKETS_SECONDS)?
        .install_recorder()?;
    Metrics::describe();
    let listener = TcpListener::bind(address).await?;
    println!("metrics on http://{}/metrics", listener.local_addr()?);
    let samples = recorder.clone();
    let scrape = async move || ([(CONTENT_TYPE, "text/plain; version=0.0.4")], samples.render());
    let router = Router::new().route("/metrics", axum::routing::get(scrape));
    // Until the process ends, so that the last turns are counted as well.
    tokio::spawn(axum::serve(listener, router).into_future());
    // Without it, times pile up until the next scrape.
    tokio::spawn(async move {
        let mut upkeep = tokio::time::interval(Duration::from_secs(5));
        loop {
            upkeep.tick().await;
            recorder.run_upkeep();
        }
    });
    Ok(Arc::new(Metrics::new()))
}

fn router(
    options: &Options,
    host: &Host<Clerk>,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Router, Box<dyn Error>> {
    let mut open = Vec::new();
    let bot = host.digital_employee()?.router();
    let bot = match &options.key_id {
        Some(key_id) => {
            let secret = variable("CALLBOT_KEY_SECRET")?
                .ok_or("CALLBOT_KEY_SECRET must hold the secret of the key")?;
            let keys = Credentials::new(key_id, secret);
            let signed = VerifyLayer::new(Verifier::new(keys));
            bot.layer(match &observer {
                Some(observer) => signed.observer(observer.clone()),
                None => signed,
            })
        }
        None => {
            open.push("Digital Employee (no --key-id)");
            bot
        }
    };
    let mut human = host.duix()?;
    if let Some(secret) = variable("CALLBOT_DUIX_SECRET")? {
        human = human.secret(HeaderName::from_static("x-callbot-secret"), secret);
    } else {
        open.push("DUIX (no CALLBOT_DUIX_SECRET)");
    }
    let account = [variable("CALLBOT_ODFS_APP_KEY")?, variable("CALLBOT_ODFS_APP_SECRET")?];
    let ivr = match account {
        [Some(key), Some(secret)] => {
            let issuer = odfs::Issuer::new().account(key, secret);
            host.odfs()?.issuer(issuer).router()
        }
        [None, None] => {
            open.push("ODFS (no CALLBOT_ODFS_APP_KEY)");
            host.odfs()?.router()
        }
        _ => return Err("CALLBOT_ODFS_APP_KEY and CALLBOT_ODFS_APP_SECRET go together".into()),
    };
    let token = variable("CALLBOT_AUI_TOKEN")?;
    let (rtc_id, rtc_key) = app("CALLBOT_RTC_APP_ID", "CALLBOT_RTC_APP_KEY", &token)?;
    let (chat_id, chat_key) = app("CALLBOT_MESSAGE_APP_ID", "CALLBOT_MESSAGE_APP_KEY", &token)?;
    let sign = variable("CALLBOT_MESSAGE_APP_SIGN")?.unwrap_or_else(|| "demo-sign".into());
    let rtc = RtcTokens::new(rtc_id, rtc_key);
    let tokens = agents::Tokens { rtc, chat: ChatTokens::new(chat_id, chat_key, sign) };
    let (aicall, agents) = aicall(host, agents::agents(&tokens.rtc))?;
    let say = match options.dev {
        true => say(agents.clone(), token.clone()),
        false => Router::new(),
    };
    let agents = match token {
        Some(token) => {
            let callers = KnownCallers::new().caller("app", token);
            agents::router(agents, tokens, callers, options.cors_any, observer)
        }
        None => {
            open.push("the app server (no CALLBOT_AUI_TOKEN)");
            agents::router(agents, tokens, AnyCaller, options.cors_any, observer)
        }
    };
    if !open.is_empty() {
        tracing::warn!("open to anybody: {}", open.join(", "));
    }
    let bots = function_compute::hooks().merge(bot).merge(human.router()).merge(ivr);
    Ok(bots.merge(aicall).merge(agents).merge(say))
}

/// Returns the routes of chat completions and of AICall's callbacks, those that have a secret, and the agents
/// that use them.
fn aicall(
    host: &Host<Clerk>,
    agents: InMemoryAgents,
) -> Result<(Router, InMemoryAgents), Box<dyn Error>> {
    let (mut router, mut agents, mut closed) = (Router::new(), agents, Vec::new());
    match variable("CALLBOT_CHAT_KEY")? {
        Some(key) => {
            let chat = host.chat()?.key(key.as_str()).router();
            let transport = InMemoryTransport::new(chat.clone());
            agents = agents.bot_over("http://bot/v1", key, transport)?;
            router = router.merge(chat);
        }
        None => closed.push("chat completions (no CALLBOT_CHAT_KEY)"),
    }
    match variable("CALLBOT_AICALL_TOKEN")? {
        Some(token) => {
            let callbacks = host.aicall_callbacks().token(token.as_str()).router();
            let transport = InMemoryTransport::new(callbacks.clone());
            let client = callback::Client::builder("http://bot").token(token);
            agents = agents.callbacks(client.transport(transport).build()?);
            router = router.merge(callbacks);
        }
        None => closed.push("the callbacks of AICall (no CALLBOT_AICALL_TOKEN)"),
    }
    if !closed.is_empty() {
        tracing::info!("closed: {}", closed.join(", "));
    }
    Ok((router, agents))
}

/// Returns the route by which a developer is the user of an agent in memory.
fn say(agents: InMemoryAgents, token: Option<String>) -> Router {
    let handler = |State((agents, token)): State<(InMemoryAgents, Option<String>)>,
                   headers: HeaderMap,
                   body: String| async move {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        // For development only: it takes no care that time does not tell how much of a token is right.
        if token.is_some() && token.as_deref() != given {
            return (StatusCode::UNAUTHORIZED, String::new());
        }
        let Ok(said) = serde_json::from_str::<Value>(&body) else {
            return (StatusCode::BAD_REQUEST, "the body is not JSON".into());
        };
        let text = |key: &str| said[key].as_str().unwrap_or_default();
        match agents.say(text("instance_id"), text("text")).await {
            Ok(reply) => {
                let to = reply.transferred_to;
                let reply = json!({
                    "text": reply.text, "hung_up": reply.hung_up, "transferred_to": to,
                });
                (StatusCode::OK, reply.to_string())
            }
            Err(error) => {
                let status = StatusCode::from_u16(error.status());
                (status.unwrap_or(StatusCode::BAD_GATEWAY), error.message().to_owned())
            }
        }
    };
    Router::new().route("/dev/say", post(handler)).with_state((agents, token))
}

/// Returns how the bot listens on ODFS: with the texts of recognised speech, if their Redis is known.
fn odfs_settings() -> Result<OdfsSettings, Box<dyn Error>> {
    let settings = OdfsSettings::default();
    match variable("CALLBOT_ODFS_REDIS")? {
        #[cfg(feature = "redis")]
        Some(url) => Ok(settings.with_recognitions(odfs::RedisRecognitions::open(&url)?)),
        #[cfg(not(feature = "redis"))]
        Some(_) => Err("CALLBOT_ODFS_REDIS needs the feature `redis`".into()),
        None => Ok(settings),
    }
}

/// Returns an environment variable. One that can't be read is an error: it may be a secret, and
/// without it everyone would be let in.
fn variable(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Err(format!("{name} is empty")),
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} is no text")),
    }
}

/// Returns the id and the key of an app, from these variables. Default: a demo app. `token` is that of
/// the callers: without one, every caller would get tokens of the app.
fn app(id: &str, key: &str, token: &Option<String>) -> Result<(String, String), String> {
    match [variable(id)?, variable(key)?] {
        [Some(_), Some(_)] if token.is_none() => {
            Err(format!("with {id} there must be a CALLBOT_AUI_TOKEN"))
        }
        [Some(id), Some(key)] => Ok((id, key)),
        [None, None] => Ok(("demo-app".into(), "demo-key".into())),
        _ => Err(format!("{id} and {key} go together")),
    }
}

struct Options {
    listen: SocketAddr,
    key_id: Option<String>,
    grace: Duration,
    cors_any: bool,
    dev: bool,
    metrics: Option<SocketAddr>,
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, Default)]
enum LogFormat {
    #[default]
    Text,
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("allowed: text, json"),
        }
    }
}

impl Options {
    /// Reads the arguments; `None` if they ask for help.
    fn read(mut arguments: lexopt::Parser) -> Result<Option<Self>, Box<dyn Error>> {
        let (mut listen, mut key_id, mut grace) = (None, None, Duration::from_secs(30));
        let (mut cors_any, mut dev) = (false, false);
        let (mut metrics, mut log_format) = (None, LogFormat::default());
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("listen") => listen = Some(arguments.value()?.parse()?),
                Long("key-id") => key_id = Some(arguments.value()?.string()?),
                Long("grace") => grace = Duration::from_secs(arguments.value()?.parse()?),
                Long("cors-any") => cors_any = true,
                Long("dev") => dev = true,
                Long("metrics") => metrics = Some(arguments.value()?.parse()?),
                Long("log-format") => log_format = arguments.value()?.parse()?,
                Long("help") => return Ok(None),
                _ => return Err(argument.unexpected().into()),
            }
        }
        let listen = match listen {
            Some(address) => address,
            None => {
                let port = function_compute::port(|name| std::env::var(name).ok())?;
                SocketAddr::from(([0, 0, 0, 0], port))
            }
        };
        Ok(Some(Self { listen, key_id, grace, cors_any, dev, metrics, log_format }))
    }
}
