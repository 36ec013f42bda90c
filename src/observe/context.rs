//! Which trace a request belongs to: the headers `traceparent` and `tracestate`, and the context of the
//! work that runs.

use std::fmt;
use std::sync::{Arc, OnceLock};

use futures_util::future::Either;
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Span;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The flags that are passed on: sampled, and random. The W3C's recommendation has no others.
const KNOWN_FLAGS: u8 = 0b11;

/// The most of a `tracestate` that is passed on, in bytes and in members. The W3C's recommendation asks for
/// as much.
const MAX_STATE_BYTES: usize = 512;
const MAX_STATE_MEMBERS: usize = 32;

tokio::task_local! {
    static CONTEXT: TraceContext;
}

static PROPAGATOR: OnceLock<Box<dyn Propagator>> = OnceLock::new();

/// The place of a request in a distributed trace, as the header `traceparent` of the W3C's Trace Context
/// has it.
///
/// A server takes it from a request, and the clients of this crate pass it on with the requests that the
/// handler, the `Bot` or its turn makes. For a client that is not of this crate, add the headers yourself:
///
/// ```
/// use callbot::observe::TraceContext;
/// use http::HeaderMap;
///
/// /// Returns the headers for a request that a handler or a bot makes.
/// fn headers() -> HeaderMap {
///     let mut headers = HeaderMap::new();
///     if let Some(context) = TraceContext::current() {
///         context.insert_into(&mut headers);
///     }
///     headers
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let text = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/// let context = TraceContext::parse(text).unwrap();
/// assert_eq!(context.scope(async { headers() }).await["traceparent"], text);
/// # });
/// assert!(headers().is_empty(), "a trace starts elsewhere");
/// ```
///
/// A task that you spawn has no context: pass [`current`](Self::current) to it, and use
/// [`scope`](Self::scope) there.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
    state: Option<Arc<str>>,
}

impl TraceContext {
    /// Creates a context from its parts. Returns `None` if one of the ids is all zeros, which means that
    /// there is none. `flags` has bit 0 set if the trace is recorded.
    #[must_use]
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8], flags: u8) -> Option<Self> {
        if trace_id == [0; 16] || span_id == [0; 8] {
            return None;
        }
        Some(Self { trace_id, span_id, flags: flags & KNOWN_FLAGS, state: None })
    }

    /// Reads the value of a `traceparent`.
    ///
    /// Returns `None` if it is malformed: version 00 must match the recommendation exactly, and later
    /// versions must start alike. Ids are in lower case and not all zeros.
    #[must_use]
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let version = parts.next().and_then(unhex)?;
        let trace_id = parts.next().and_then(unhex)?;
        let span_id = parts.next().and_then(unhex)?;
        let [flags] = parts.next().and_then(unhex)?;
        match version {
            [0xff] => None,
            [0] if parts.next().is_some() => None,
            _ => Self::new(trace_id, span_id, flags),
        }
    }

    /// Reads `traceparent` and `tracestate`. Returns `None` unless there is exactly one valid
    /// `traceparent`.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let (first, None) = (values.next()?, values.next()) else { return None };
        let context = Self::parse(first.to_str().ok()?)?;
        let states = headers.get_all(TRACESTATE).iter();
        let members = states.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(','));
        Some(context.with_members(members))
    }

    /// Sets the `tracestate`, which is passed on unchanged: its first 32 members, as far as they fit into
    /// 512 bytes. A text that a header can't contain counts as none.
    #[must_use]
    pub fn with_state(self, tracestate: &str) -> Self {
        let printable = HeaderValue::from_str(tracestate).is_ok_and(|value| value.to_str().is_ok());
        self.with_members(tracestate.split(',').filter(|_| printable))
    }

    fn with_members<'a>(mut self, members: impl Iterator<Item = &'a str>) -> Self {
        let members = members.map(str::trim_ascii).filter(|member| !member.is_empty());
        let mut state = String::new();
        for member in members.take(MAX_STATE_MEMBERS) {
            let comma = if state.is_empty() { "" } else { "," };
            if state.len() + comma.len() + member.len() > MAX_STATE_BYTES {
                break;
            }
            state.push_str(comma);
            state.push_str(member);
        }
        self.state = (!state.is_empty()).then(|| state.into());
        self
    }

    /// Returns the id of the trace.
    #[must_use]
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// Returns the id of the span that the next request is a child of.
    #[must_use]
    pub fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// Returns the flags: bit 0 is set if the trace is recorded, bit 1 if its id is random.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether the caller records the trace.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// Returns the value of the header `traceparent`, in version 00.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let Self { trace_id, span_id, flags, .. } = self;
        format!("00-{}-{}-{flags:02x}", Hex(trace_id), Hex(span_id))
    }

    /// Returns the value of the header `tracestate`.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// Sets the two headers. Removes a `tracestate` if there is none.
    pub fn insert_into(&self, headers: &mut HeaderMap) {
        // Both are printable.
        if let Ok(parent) = HeaderValue::try_from(self.traceparent()) {
            headers.insert(TRACEPARENT, parent);
        }
        match self.tracestate().map(HeaderValue::from_str) {
            Some(Ok(state)) => drop(headers.insert(TRACESTATE, state)),
            _ => drop(headers.remove(TRACESTATE)),
        }
    }

    /// Returns a context of the same trace with a new random id.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: fastrand::u64(1..).to_be_bytes(), ..self.clone() }
    }

    /// Returns the context of the work that runs: the one of the [`Propagator`], else that of the
    /// request which the current handler, bot or [`scope`](Self::scope) belongs to.
    ///
    /// Returns `None` if that request had no `traceparent`: this crate starts no traces.
    #[must_use]
    pub fn current() -> Option<Self> {
        match PROPAGATOR.get() {
            Some(propagator) => propagator.current(&Span::current()).or_else(Self::local),
            None => Self::local(),
        }
    }

    /// Runs `work` in this context.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CONTEXT.scope(self, work)
    }

    /// Returns the context of the current task.
    pub(crate) fn local() -> Option<Self> {
        CONTEXT.try_with(Clone::clone).ok()
    }

    /// Returns the id of the trace as text.
    pub(crate) fn trace_id_text(&self) -> impl fmt::Display {
        Hex(&self.trace_id)
    }

    /// Returns the id of the span as text.
    pub(crate) fn span_id_text(&self) -> impl fmt::Display {
        Hex(&self.span_id)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceContext")
            .field("traceparent", &self.traceparent())
            .field("tracestate", &self.state)
            .finish()
    }
}

/// Connects the traces of this crate with those of a tracing library such as OpenTelemetry, whose ids are
/// its own.
///
/// Set it with [`set_propagator`]. Without one, the ids that clients pass on are made by this crate, and
/// are those in the fields of its spans.
///
/// With `tracing-opentelemetry` it is about this:
///
/// ```text
/// impl Propagator for OpenTelemetry {
///     fn received(&self, span: &Span, remote: &TraceContext) {
///         let (trace, parent) = (remote.trace_id(), remote.span_id());
///         let (trace, parent) = (TraceId::from_bytes(trace), SpanId::from_bytes(parent));
///         let flags = TraceFlags::new(remote.flags());
///         let remote = SpanContext::new(trace, parent, flags, true, TraceState::default());
///         span.set_parent(Context::new().with_remote_span_context(remote));
///     }
///
///     fn current(&self, span: &Span) -> Option<TraceContext> {
///         let context = span.context();
///         let span = context.span().span_context().clone();
///         let (trace, span_id) = (span.trace_id().to_bytes(), span.span_id().to_bytes());
///         TraceContext::new(trace, span_id, span.trace_flags().to_u8())
///     }
/// }
/// ```
pub trait Propagator: Send + Sync + 'static {
    /// Called with the new span of a request that a server has received, if the request is part of a
    /// trace: `remote` is the parent of `span`. The span has not been entered yet. It is disabled if no
    /// subscriber wants it.
    fn received(&self, span: &Span, remote: &TraceContext);

    /// Returns the context of a request that is made inside `span`. With `None`, the request gets the
    /// context that it would have without a propagator.
    fn current(&self, span: &Span) -> Option<TraceContext>;
}

/// Sets the [`Propagator`] of this process. Call it once, where you set the global subscriber of `tracing`.
///
/// # Errors
/// If one is set already.
pub fn set_propagator(propagator: impl Propagator) -> Result<(), PropagatorError> {
    PROPAGATOR.set(Box::new(propagator)).map_err(|_| PropagatorError(()))
}

/// Returns the propagator of this process.
pub(crate) fn propagator() -> Option<&'static dyn Propagator> {
    PROPAGATOR.get().map(|propagator| &**propagator)
}

/// The error of a second [`Propagator`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PropagatorError(());

impl fmt::Display for PropagatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a propagator is set already")
    }
}

impl std::error::Error for PropagatorError {}

/// Runs `work` in a context, if there is one.
// Only servers pass contexts on to tasks.
#[cfg_attr(not(feature = "bot"), allow(dead_code))]
pub(crate) fn carried<F: Future>(
    context: Option<TraceContext>,
    work: F,
) -> impl Future<Output = F::Output> {
    match context {
        Some(context) => Either::Left(CONTEXT.scope(context, work)),
        None => Either::Right(work),
    }
}

/// Runs a poll in a context, if there is one.
#[cfg_attr(not(feature = "server"), allow(dead_code))]
pub(crate) fn poll_in<T>(context: Option<&TraceContext>, poll: impl FnOnce() -> T) -> T {
    match context {
        Some(context) => CONTEXT.sync_scope(context.clone(), poll),
        None => poll(),
    }
}

/// Bytes as digits in lower case.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads exactly `N` bytes, written in lower case.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = digits else { return None };
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

fn digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_str(value).expect("a value"));
        }
        headers
    }

    #[test]
    fn a_traceparent_is_written_as_it_was_read() {
        for flags in ["00", "01", "02", "03"] {
            let text = format!("00-{TRACE}-{SPAN}-{flags}");
            assert_eq!(text.len(), 55);
            let context = TraceContext::parse(&text).expect("valid");
            assert_eq!(context.traceparent(), text);
            assert_eq!(context.is_sampled(), flags == "01" || flags == "03");
        }
    }

    #[test]
    fn a_malformed_traceparent_is_refused() {
        let zeros = "0".repeat(32);
        for text in [
            String::new(),
            "00".into(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0g-{TRACE}-{SPAN}-01"),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{TRACE}0-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &SPAN[1..]),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[16..]),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("00-{}é-{SPAN}-01", &TRACE[2..]),
        ] {
            assert_eq!(TraceContext::parse(&text), None, "{text:?}");
        }
    }

    #[test]
    fn a_later_version_may_have_more_fields_and_flags() {
        for text in [format!("01-{TRACE}-{SPAN}-ff"), format!("cc-{TRACE}-{SPAN}-ff-more-fields")] {
            let context = TraceContext::parse(&text).expect("valid");
            assert_eq!(context.traceparent(), format!("00-{TRACE}-{SPAN}-03"));
        }
    }

    #[test]
    fn a_second_traceparent_makes_both_invalid() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let one = headers(&[("traceparent", &parent)]);
        assert!(TraceContext::from_headers(&one).is_some());
        let two = headers(&[("traceparent", &parent), ("traceparent", &parent)]);
        assert_eq!(TraceContext::from_headers(&two), None);
        assert_eq!(TraceContext::from_headers(&headers(&[("tracestate", "a=1")])), None);
    }

    #[test]
    fn a_tracestate_is_passed_on_within_its_limits() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let state = |lines: &[&str]| {
            let mut all = vec![("traceparent", parent.as_str())];
            all.extend(lines.iter().map(|line| ("tracestate", *line)));
            let context = TraceContext::from_headers(&headers(&all)).expect("valid");
            let mut sent = HeaderMap::new();
            context.child().insert_into(&mut sent);
            sent.get("tracestate").map(|state| state.to_str().expect("text").to_owned())
        };
        assert_eq!(state(&[]), None);
        assert_eq!(state(&["", " , "]), None);
        assert_eq!(state(&["a=1, b=2", "c=3"]).as_deref(), Some("a=1,b=2,c=3"));
        let long = "x".repeat(250);
        let members = [format!("a={long}"), format!("b={long}"), format!("c={long}")];
        assert_eq!(state(&[&members.join(",")]), Some(members[..2].join(",")));
        let many: Vec<_> = (0..40).map(|number| format!("k{number}=1")).collect();
        assert_eq!(state(&[&many.join(",")]), Some(many[..32].join(",")));
    }

    #[test]
    fn a_child_has_an_id_of_its_own() {
        let context = TraceContext::parse(&format!("00-{TRACE}-{SPAN}-01")).expect("valid");
        let (one, other) = (context.child(), context.child());
        assert_eq!((one.trace_id(), one.flags()), (context.trace_id(), 1));
        assert!(one.span_id() != context.span_id() && one.span_id() != other.span_id());
    }
}
