//! Exports the traces of two calls by OTLP, over HTTP and as JSON, which every OpenTelemetry collector reads.
//!
//! ```text
//! otlp
//! ```
//!
//! - `OTEL_EXPORTER_OTLP_ENDPOINT` is the URL of the collector, without TLS. Default:
//!   `http://localhost:4318`.
//! - `OTEL_SERVICE_NAME` is the name of the service there. Default: `callbot`.
//!
//! It serves a bot on a free port of this machine and calls it there, once as Digital Employee and once as
//! ODFS, so the traces have both sides: the clients' requests, the server's, the turns, and what the bot
//! does in a turn. The exit code is 0 only if the collector has taken the traces.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use callbot::bot::{self, Bot, Call, Host, Input, Reply};
use callbot::digital_employee::Client;
use callbot::digital_employee::simulator::{Expect, ScriptStep, Simulator};
use callbot::observe::{Propagator, TraceContext, set_propagator};
use callbot::odfs;
use lexopt::prelude::Long;
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::net::TcpListener;
use tracing::{Instrument as _, Level, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("otlp: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = lexopt::Parser::from_env();
    match arguments.next()? {
        Some(Long("help")) => {
            println!("usage: otlp\n\nOTEL_EXPORTER_OTLP_ENDPOINT is the URL of the collector.");
            return Ok(());
        }
        Some(argument) => return Err(argument.unexpected().into()),
        None => {}
    }
    let provider = export()?;
    let url = serve_assistant().await?;
    println!("calling {url}");
    let calls = async {
        phone(&url).await?;
        ivr(&url).await
    };
    let played = calls.await;
    // It sends what is left, on a thread of its own: this one serves the bot.
    let sent = tokio::task::spawn_blocking(move || provider.force_flush().and(provider.shutdown()));
    let collector = variable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");
    match sent.await? {
        Ok(()) => println!("the traces are at {collector}"),
        Err(error) => {
            return Err(format!(
                "no collector has taken the traces at {collector}; \
                 OTEL_EXPORTER_OTLP_ENDPOINT sets another URL ({error})"
            )
            .into());
        }
    }
    played
}

/// Sends every span of callbot and of this example to the collector.
fn export() -> Result<SdkTracerProvider, Box<dyn Error>> {
    let exporter = SpanExporter::builder().with_http().with_protocol(Protocol::HttpJson).build()?;
    let service = variable("OTEL_SERVICE_NAME", "callbot");
    let provider = SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name(service).build())
        .with_batch_exporter(exporter)
        .build();
    // The name of the library whose spans these are.
    let tracer = provider.tracer("callbot");
    let wanted = Targets::new()
        .with_target("callbot", Level::DEBUG)
        .with_target("otlp", Level::DEBUG)
        // Content is traced on request only. It must not leave this process even then.
        .with_target("callbot::content", tracing_subscriber::filter::LevelFilter::OFF);
    let spans = tracing_opentelemetry::layer().with_tracer(tracer);
    let spans = spans.with_location(false).with_threads(false);
    tracing_subscriber::registry().with(spans.with_filter(wanted)).init();
    set_propagator(OpenTelemetry)?;
    Ok(provider)
}

/// Lets OpenTelemetry make the ids of traces, and takes those of a request from its headers.
struct OpenTelemetry;

impl Propagator for OpenTelemetry {
    fn received(&self, span: &Span, remote: &TraceContext) {
        let remote = SpanContext::new(
            TraceId::from_bytes(remote.trace_id()),
            SpanId::from_bytes(remote.span_id()),
            TraceFlags::new(remote.flags()),
            true,
            TraceState::default(),
        );
        // Fails if the subscriber does not want the span.
        let _ = span.set_parent(Context::new().with_remote_span_context(remote));
    }

    fn current(&self, span: &Span) -> Option<TraceContext> {
        let context = span.context();
        let span = context.span().span_context().clone();
        let flags = span.trace_flags().to_u8();
        TraceContext::new(span.trace_id().to_bytes(), span.span_id().to_bytes(), flags)
    }
}

/// A bot whose language model is a pause, with the span that a client of a model would have.
struct Assistant;

impl Bot for Assistant {
    type Memory = ();

    async fn begin(&self, _: &mut Call<()>, reply: &mut Reply) -> bot::Result {
        reply.say("Welcome. What would you like to know?").await
    }

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> bot::Result {
        match input {
            Input::Speech(question) => reply.say(ask_model(&question).await).await,
            _ => reply.say("Are you still there?").await,
        }
    }
}

/// Answers as a language model would. The span has the names that OpenTelemetry gives to a request of a
/// model, and stands in the span of the turn.
async fn ask_model(question: &str) -> String {
    let span = tracing::info_span!(
        "chat",
        otel.name = "chat demo-model",
        otel.kind = "client",
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "demo",
        gen_ai.request.model = "demo-model",
        gen_ai.usage.output_tokens = tracing::field::Empty,
    );
    let answer = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let answer = format!("You said: {question}");
        let tokens = answer.split_whitespace().count();
        Span::current().record("gen_ai.usage.output_tokens", tokens);
        answer
    };
    answer.instrument(span).await
}

/// Serves the bot on a free port and returns its URL.
async fn serve_assistant() -> Result<String, Box<dyn Error>> {
    let host = Host::new(Assistant);
    let router = host.digital_employee()?.router().merge(host.odfs()?.router());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(callbot::server::serve(listener, router).host(&host).into_future());
    Ok(url)
}

/// Plays a call of Digital Employee.
async fn phone(url: &str) -> Result<(), Box<dyn Error>> {
    let script = vec![
        ScriptStep::begin().expect(Expect::text("Welcome")),
        ScriptStep::say("Where is my parcel?").expect(Expect::text("parcel")),
        ScriptStep::silence().expect(Expect::text("still there")),
        ScriptStep::end(),
    ];
    let call = Simulator::new(Client::new(url)?).play(&script).await;
    if call.is_ok() { Ok(()) } else { Err(call.to_string().into()) }
}

/// Plays a call of an IVR of ODFS.
async fn ivr(url: &str) -> Result<(), Box<dyn Error>> {
    let client = odfs::Client::builder_with_token(url, "none").build()?;
    let mut call = client.dialogue("call-1", "13500000001", "10086");
    call.start().await?;
    call.input(odfs::Input::Text("When do you open on Sunday?")).await?;
    call.hang_up().await?;
    Ok(())
}

fn variable(name: &str, default: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.into())
}
