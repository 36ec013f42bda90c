//! The requests of one call are served one after the other: which ones wait, which ones are refused, and
//! what lets the next one run. And the limit of calls.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbot::client::{CallOptions, InMemoryTransport};
use callbot::odfs::{
    Account, Action, Api, AuthTokenError, Call, Client, Interacted, Language, Prompt,
    ReleaseOutParams, Request, Response, Server, Start, TokenAuthorizer, TokenCheck, WireApi,
};
use callbot::server::Error;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

use crate::support::odfs::*;

/// Serves each request until it gets a permit, and reports when it begins and ends.
/// The input is a name and the way in which to end.
struct Slow {
    told: UnboundedSender<String>,
    permits: Arc<Semaphore>,
}

/// Reports a handler that is dropped before its end.
struct Running {
    told: UnboundedSender<String>,
    name: String,
    over: bool,
}

impl Running {
    fn begin(told: &UnboundedSender<String>, name: &str) -> Self {
        told.send(format!("begin {name}")).unwrap();
        Self { told: told.clone(), name: name.into(), over: false }
    }

    fn end(mut self) {
        self.over = true;
        self.told.send(format!("end {}", self.name)).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            // The test may have stopped listening.
            let _ = self.told.send(format!("drop {}", self.name));
        }
    }
}

impl Slow {
    async fn serve(&self, call: &Call, name: &str, way: &str) -> Result<Action, Error> {
        let running = Running::begin(&self.told, name);
        if way != "at once" {
            self.permits.acquire().await?.forget();
        }
        match way {
            "panic" => panic!("the test asked for it"),
            "fail" => return Err(Error::public("the test asked for it")),
            _ => {}
        }
        running.end();
        Ok(call.interact(Prompt::Text(name), Language::English).into())
    }
}

impl Api for Slow {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        self.serve(call, "start", "").await
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        let (name, way) = request.inparams.input.split_once('/').unwrap();
        self.serve(call, name, way).await
    }

    async fn hung_up(&self, call: &Call, request: Request) -> Result<ReleaseOutParams, Error> {
        let Request::Interacted(request) = request else { return Ok(call.release()) };
        let name = request.inparams.feedback_content.unwrap_or_default();
        self.serve(call, &name, "").await?;
        Ok(call.release())
    }
}

/// Accepts every token, and reports it: the request enters the queue in its next step.
struct Arrivals(UnboundedSender<String>);

impl TokenAuthorizer for Arrivals {
    async fn check(&self, request: TokenCheck<'_>) -> Result<Account, AuthTokenError> {
        let token = request.token.map(|token| token.expose().to_owned()).unwrap_or_default();
        // The test may have stopped listening.
        let _ = self.0.send(token);
        Ok(Account::default())
    }
}

/// A slow flow on a socket.
struct Bench {
    address: SocketAddr,
    permits: Arc<Semaphore>,
    told: UnboundedReceiver<String>,
    arrived: UnboundedReceiver<String>,
}

impl Bench {
    async fn with(
        settings: impl FnOnce(Server<Slow>) -> Server<Slow>,
        deadline: Option<Duration>,
    ) -> Self {
        let (told, heard) = unbounded_channel();
        let (arrive, arrived) = unbounded_channel();
        let permits = Arc::new(Semaphore::new(0));
        let slow = Slow { told, permits: permits.clone() };
        let flow = settings(Server::new(slow).authorize(Arrivals(arrive)));
        let address = start_router(flow.deadline(deadline).router()).await;
        Self { address, permits, told: heard, arrived }
    }

    async fn new() -> Self {
        Self::with(|flow| flow, None).await
    }

    /// Sends a request over a new connection, and waits until it has arrived.
    async fn send(&mut self, id: &str, name: &str, way: &str) -> Peer {
        self.send_body(said(id, &format!("{name}/{way}")), name).await
    }

    async fn send_body(&mut self, body: Value, name: &str) -> Peer {
        let mut peer = Peer::connect(self.address).await;
        let body = changed(&body, [("/inparams/auth_token", Some(name.into()))]);
        peer.send(&Post::json(V1, &body)).await;
        assert_eq!(soon("the arrival", self.arrived.recv()).await.unwrap(), name);
        peer
    }

    /// Waits for the next report of a handler, which must be this one.
    async fn expect(&mut self, told: &str) {
        assert_eq!(soon(told, self.told.recv()).await.unwrap(), told);
    }

    /// Checks that no handler has reported anything, and that none does for a while.
    async fn expect_silence(&mut self) {
        sleep(Duration::from_millis(50)).await;
        assert_eq!(self.told.try_recv().ok(), None);
    }
}

/// The name in the answer to a request that must have been served.
fn served(answer: &Answer, id: &str) -> String {
    answer.outparams(id, 9)["prompt_text"].as_str().unwrap().to_owned()
}

const BUSY: &str = "too many requests of this call are waiting";

#[tokio::test]
async fn the_requests_of_a_call_are_served_one_by_one_in_the_order_of_their_arrival() {
    let mut bench = Bench::new().await;
    let names = ["a", "b", "c", "d", "e"];
    let mut peers = Vec::new();
    for name in names {
        peers.push(bench.send(ID, name, "").await);
    }
    for (name, mut peer) in names.into_iter().zip(peers) {
        bench.expect(&format!("begin {name}")).await;
        bench.expect_silence().await;
        bench.permits.add_permits(1);
        bench.expect(&format!("end {name}")).await;
        assert_eq!(served(&peer.answer().await, ID), name);
    }
    bench.expect_silence().await;
}

#[tokio::test]
async fn both_urls_and_all_kinds_of_requests_share_one_queue() {
    let mut bench = Bench::new().await;
    bench.permits.add_permits(1);
    let mut first = bench.send(ID, "a", "").await;
    first.answer().await.outparams(ID, 9);
    bench.expect("begin a").await;
    bench.expect("end a").await;

    let mut running = bench.send(ID, "b", "").await;
    bench.expect("begin b").await;
    let mut peers = Vec::new();
    for (number, body) in [transferred(ID, "0"), capture(ID), recognize(ID)].iter().enumerate() {
        let name = number.to_string();
        let body = changed(body, [("/inparams/auth_token", Some(name.clone().into()))]);
        let mut peer = Peer::connect(bench.address).await;
        peer.send(&Post::json(DIALOGUE[number % 2], &body)).await;
        assert_eq!(soon("the arrival", bench.arrived.recv()).await.unwrap(), name);
        peers.push(peer);
    }
    for peer in &mut peers {
        let early = peer.answer_within(Duration::from_millis(30)).await;
        assert!(early.is_none(), "it did not wait: {early:?}");
    }
    bench.permits.add_permits(1);
    running.answer().await.outparams(ID, 9);
    for (peer, outaction) in peers.iter_mut().zip([10, 7, 13]) {
        peer.answer().await.outparams(ID, outaction);
    }
}

#[tokio::test]
async fn different_calls_are_served_at_the_same_time() {
    let mut bench = Bench::new().await;
    let mut peers = Vec::new();
    for number in 0..10 {
        let id = format!("c-{number}");
        peers.push((bench.send(&id, &id, "").await, id.clone()));
        bench.expect(&format!("begin {id}")).await;
    }
    bench.permits.add_permits(10);
    for (mut peer, id) in peers {
        assert_eq!(served(&peer.answer().await, &id), id);
    }
}

#[tokio::test]
async fn requests_above_max_waiting_are_refused_immediately() {
    type Settings = fn(Server<Slow>) -> Server<Slow>;
    let settings: [(Settings, usize); 4] = [
        (|flow| flow, 4),
        (|flow| flow.max_waiting(0), 0),
        (|flow| flow.max_waiting(1), 1),
        (|flow| flow.max_waiting(6), 6),
    ];
    for (settings, most) in settings {
        let mut bench = Bench::with(settings, None).await;
        let mut peers = Vec::new();
        for number in 0..=most {
            peers.push(bench.send(ID, &number.to_string(), "").await);
        }
        for _ in 0..3 {
            let answer = bench.send(ID, "late", "").await.answer().await;
            assert_eq!(answer.fault(503, -1, Some(ID)), BUSY);
        }
        // Other calls are not affected.
        let mut other = bench.send("c-2", "other", "at once").await;
        assert_eq!(served(&other.answer().await, "c-2"), "other");
        // A refused request does not occupy a place.
        bench.permits.add_permits(most + 1);
        for (number, mut peer) in peers.into_iter().enumerate() {
            assert_eq!(served(&peer.answer().await, ID), number.to_string());
        }
        let mut told = Vec::new();
        while let Ok(line) = bench.told.try_recv() {
            told.push(line);
        }
        assert!(!told.contains(&"begin late".to_owned()), "{told:?}");
        let mut next = bench.send(ID, "next", "at once").await;
        assert_eq!(served(&next.answer().await, ID), "next");
    }
}

#[tokio::test]
async fn a_client_that_disconnects_while_it_waits_leaves_the_queue() {
    for way in [Peer::close, Peer::reset] {
        let mut bench = Bench::with(|flow| flow.max_waiting(1), None).await;
        let mut running = bench.send(ID, "a", "").await;
        bench.expect("begin a").await;
        let waiting = bench.send(ID, "b", "").await;
        assert_eq!(bench.send(ID, "late", "").await.answer().await.fault(503, -1, Some(ID)), BUSY);
        way(waiting);
        // Its place is free as soon as the server has seen that.
        let mut next = soon("the place", async {
            loop {
                let mut peer = bench.send(ID, "c", "").await;
                match peer.answer_within(Duration::from_millis(100)).await {
                    Some(answer) => assert_eq!(answer.fault(503, -1, Some(ID)), BUSY),
                    None => break peer,
                }
            }
        })
        .await;
        bench.permits.add_permits(2);
        assert_eq!(served(&running.answer().await, ID), "a");
        assert_eq!(served(&next.answer().await, ID), "c");
        for told in ["end a", "begin c", "end c"] {
            bench.expect(told).await;
        }
        bench.expect_silence().await;
    }
}

#[tokio::test]
async fn a_client_that_disconnects_while_it_is_served_frees_its_call() {
    for way in [Peer::close, Peer::reset] {
        let mut bench = Bench::new().await;
        let running = bench.send(ID, "a", "").await;
        bench.expect("begin a").await;
        let mut waiting = bench.send(ID, "b", "").await;
        bench.expect_silence().await;
        way(running);
        bench.expect("drop a").await;
        bench.expect("begin b").await;
        bench.permits.add_permits(1);
        assert_eq!(served(&waiting.answer().await, ID), "b");
    }
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_frees_its_call() {
    for (way, text) in [("fail", "the test asked for it"), ("panic", "internal error")] {
        let mut bench = Bench::new().await;
        let mut failing = bench.send(ID, "a", way).await;
        let mut waiting = bench.send(ID, "b", "").await;
        bench.expect("begin a").await;
        bench.expect_silence().await;
        bench.permits.add_permits(1);
        bench.expect("drop a").await;
        bench.expect("begin b").await;
        assert_eq!(failing.answer().await.fault(500, -1, Some(ID)), text);
        bench.permits.add_permits(1);
        assert_eq!(served(&waiting.answer().await, ID), "b");
    }
}

#[tokio::test]
async fn requests_after_a_hang_up_wait_for_it_and_belong_to_another_call() {
    let mut bench = Bench::new().await;
    let named =
        |name: &str| changed(&hangup(ID), [("/inparams/feedbackContent", Some(name.into()))]);
    let mut first = bench.send_body(named("a"), "a").await;
    let mut second = bench.send_body(named("b"), "b").await;
    let mut third = bench.send(ID, "c", "").await;
    for (name, peer, outaction) in
        [("a", &mut first, 10), ("b", &mut second, 10), ("c", &mut third, 9)]
    {
        bench.expect(&format!("begin {name}")).await;
        bench.expect_silence().await;
        bench.permits.add_permits(1);
        bench.expect(&format!("end {name}")).await;
        peer.answer().await.outparams(ID, outaction);
    }
}

/// Counts how many handlers of one call run at the same time.
#[derive(Clone, Default)]
struct Counting {
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    served: Arc<AtomicUsize>,
}

impl Counting {
    async fn serve(&self) {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        self.served.fetch_add(1, Ordering::SeqCst);
    }
}

impl Api for Counting {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        self.serve().await;
        Ok(call.release().into())
    }

    async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
        self.serve().await;
        Ok(call.release().into())
    }

    async fn hung_up(&self, call: &Call, _: Request) -> Result<ReleaseOutParams, Error> {
        self.serve().await;
        Ok(call.release())
    }
}

/// Sends the same request of one call again and again from two threads, without a socket. Returns the
/// highest number of handlers that ran at the same time.
fn crowd(settings: fn(Server<Counting>) -> Server<Counting>, body: &Value) -> usize {
    const ROUNDS: usize = 20_000;
    let counting = Counting::default();
    let flow = Arc::new(settings(Server::new(counting.clone())).into_wire_api());
    let threads = [0, 1].map(|_| {
        let (flow, request) = (flow.clone(), request(body));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                for round in 0..ROUNDS {
                    flow.process(request.clone()).await.unwrap();
                    // Varies the pace of the two threads.
                    for _ in 0..round % 64 {
                        std::hint::spin_loop();
                    }
                }
            });
        })
    });
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(counting.served.load(Ordering::SeqCst), 2 * ROUNDS);
    counting.most.load(Ordering::SeqCst)
}

#[test]
fn on_two_threads_a_call_is_still_served_one_by_one() {
    assert_eq!(crowd(|flow| flow, &said(ID, "Hello!")), 1);
}

#[test]
fn on_two_threads_a_call_that_ends_again_and_again_is_still_served_one_by_one() {
    assert_eq!(crowd(|flow| flow, &hangup(ID)), 1);
}

#[test]
fn a_call_that_is_served_on_another_thread_is_not_idle_however_short_the_time() {
    assert_eq!(crowd(|flow| flow.idle_timeout(Duration::ZERO), &said(ID, "Hello!")), 1);
    assert_eq!(crowd(|flow| flow.idle_timeout(Duration::ZERO), &hangup(ID)), 1);
}

/// Serves for the number of seconds that the keys say, and answers with the caller of the call.
struct Timed;

impl Api for Timed {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        Ok(call.interact(Prompt::Text(call.caller()), Language::English).into())
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        sleep(Duration::from_secs(request.inparams.input.parse()?)).await;
        Ok(call.interact(Prompt::Text(call.caller()), Language::English).into())
    }
}

/// A client of a flow in the same process, so that time can be paused.
#[derive(Clone)]
struct Near(Client);

impl Near {
    fn new(server: Server<Timed>) -> Self {
        let transport = InMemoryTransport::new(server.router());
        let options = CallOptions::new().call_deadline(Duration::from_secs(24 * 3600));
        let client = Client::builder_with_token("http://odfs", "t-1").transport(transport);
        Self(client.options(options).build().unwrap())
    }

    /// The caller that the flow knows, or the status and the text of the fault.
    async fn send(&self, body: &Value) -> Result<String, (u16, String)> {
        match self.0.process(request(body)).await {
            Ok(answer) => match answer.into_inner() {
                Response::Interact(answer) => Ok(answer.outparams.prompt_text.unwrap()),
                other => panic!("{other:?}"),
            },
            Err(error) => {
                let failure = error.failure().unwrap_or_else(|| panic!("{error}"));
                assert_eq!(failure.code(), "-1");
                Err((error.status().unwrap().as_u16(), failure.message().unwrap().to_owned()))
            }
        }
    }

    async fn start(&self, id: &str) -> Result<String, (u16, String)> {
        self.send(&start(id)).await
    }

    /// Sends a request that is served for this number of seconds.
    async fn busy(&self, id: &str, seconds: u64) -> Result<String, (u16, String)> {
        self.send(&interacted(id, "2", &seconds.to_string())).await
    }

    async fn hang_up(&self, id: &str) {
        self.0.process(request(&hangup(id))).await.unwrap();
    }
}

fn late() -> Result<String, (u16, String)> {
    Err((500, "no answer in time".into()))
}

fn full() -> Result<String, (u16, String)> {
    Err((503, "too many calls".into()))
}

fn known() -> Result<String, (u16, String)> {
    Ok(CALLER.into())
}

fn unknown() -> Result<String, (u16, String)> {
    Ok(String::new())
}

async fn at<T>(seconds: u64, future: impl Future<Output = T>) -> (T, f64) {
    let start = Instant::now();
    sleep(Duration::from_secs(seconds)).await;
    let output = future.await;
    (output, start.elapsed().as_secs_f64().round())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_misses_its_deadline_fails_and_frees_its_call() {
    let server = || Server::new(Timed);
    for (server, deadline) in [
        (server(), 30),
        (server().deadline(Some(Duration::from_secs(5))), 5),
        (server().deadline(Some(Duration::from_secs(100))), 100),
    ] {
        let near = Near::new(server);
        near.start(ID).await.unwrap();
        // The second waits for the first while its deadline approaches. The third has enough time left.
        let (first, second, third) = tokio::join!(
            at(0, near.busy(ID, 1000)),
            at(0, near.busy(ID, 0)),
            at(2, near.busy(ID, 1)),
        );
        let end = f64::from(deadline);
        assert_eq!(first, (late(), end));
        // Both reach the deadline in the same moment, the second while it waits.
        assert_eq!(second.1, end, "{second:?}");
        assert_eq!(third, (known(), end + 1.0));
        assert_eq!(near.busy(ID, 0).await, known());
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_misses_its_deadline_while_it_waits_leaves_the_queue() {
    let server = Server::new(Timed).max_waiting(1);
    let near = Near::new(server.deadline(Some(Duration::from_secs(10))));
    let (first, second, refused, third) = tokio::join!(
        at(4, near.busy(ID, 9)),
        at(5, near.busy(ID, 9)),
        at(6, near.busy(ID, 0)),
        at(14, near.busy(ID, 0)),
    );
    // Runs from 4 to 13.
    assert_eq!(first, (unknown(), 13.0));
    // Runs from 13 on, and reaches its deadline at 15.
    assert_eq!(second, (late(), 15.0));
    assert_eq!(refused, (Err((503, BUSY.into())), 6.0));
    assert_eq!(third, (unknown(), 15.0));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_a_handler_may_hold_up_its_call() {
    let near = Near::new(Server::new(Timed).deadline(None));
    let (first, second) = tokio::join!(at(0, near.busy(ID, 3600)), at(1, near.busy(ID, 0)));
    assert_eq!((first, second), ((unknown(), 3600.0), (unknown(), 3600.0)));
}

#[tokio::test(start_paused = true)]
async fn above_max_calls_the_data_of_the_call_that_was_idle_longest_are_deleted() {
    for (most, calls) in [(1, 1), (3, 3), (0, 1)] {
        let near = Near::new(Server::new(Timed).max_calls(most));
        for number in 0..calls {
            assert_eq!(near.start(&format!("c-{number}")).await, known());
            sleep(Duration::from_secs(1)).await;
        }
        // Another request makes it the last one to go.
        assert_eq!(near.busy("c-0", 0).await, known());
        for number in 1..calls {
            assert_eq!(near.start(&format!("late {number}")).await, known());
            assert_eq!(near.busy("c-0", 0).await, known());
        }
        for number in 1..calls {
            assert_eq!(near.busy(&format!("late {number}"), 0).await, known());
        }
        assert_eq!(near.start("last").await, known());
        assert_eq!(near.busy("last", 0).await, known());
        assert_eq!(near.busy("c-0", 0).await, unknown(), "{most}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_above_max_calls_are_refused_while_every_call_has_a_request() {
    for (most, calls) in [(1, 1), (3, 3), (0, 1)] {
        let near = Near::new(Server::new(Timed).max_calls(most));
        let names: Vec<_> = (0..calls).map(|number| format!("c-{number}")).collect();
        for name in &names {
            assert_eq!(near.start(name).await, known());
        }
        let running = async { join_all(names.iter().map(|name| near.busy(name, 10))).await };
        let others = async {
            sleep(Duration::from_secs(5)).await;
            assert_eq!(near.start("late").await, full());
            assert_eq!(near.busy("late", 0).await, full());
            // A call that ends makes room immediately. This one waits for its first request.
            near.hang_up("c-0").await;
            assert_eq!(near.start("late").await, known());
        };
        let (running, ()) = tokio::join!(running, others);
        assert!(running.iter().all(|answer| *answer == known()), "{running:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn max_calls_is_100_000_by_default() {
    let flow = Server::new(Timed).into_wire_api();
    let send = async |body: &Value, id: &str| {
        let mut request = request(body);
        match &mut request {
            Request::Start(start) => start.user_id = id.into(),
            Request::Interacted(interacted) => interacted.user_id = id.into(),
            other => panic!("{other:?}"),
        }
        match flow.process(request).await.unwrap() {
            Response::Interact(answer) => answer.outparams.prompt_text.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let (first, next) = (start(ID), interacted(ID, "2", "0"));
    for number in 0..100_000 {
        send(&first, &number.to_string()).await;
    }
    assert_eq!(send(&next, "0").await, CALLER);
    send(&first, "late").await;
    assert_eq!(send(&next, "0").await, CALLER);
    assert_eq!(send(&next, "2").await, CALLER);
    assert_eq!(send(&next, "1").await, "");
}

#[tokio::test(start_paused = true)]
async fn the_refusal_of_a_call_above_the_limit_has_the_form_of_the_platform() {
    let server = || Server::new(Timed).max_calls(1);
    let transport = Keeping::new(InMemoryTransport::new(server().router()));
    let client =
        Client::builder_with_token("http://odfs", "t-1").transport(transport).build().unwrap();
    let running = client.clone();
    let running = tokio::spawn(async move {
        running.process(request(&interacted("c-1", "2", "5"))).await.unwrap();
    });
    sleep(Duration::from_secs(1)).await;
    let error = client.process(request(&start("c-2"))).await.unwrap_err();
    assert_eq!(error.to_string(), "process: failure -1: too many calls");
    assert!(error.is_retryable(), "HTTP 503 asks for patience");
    running.await.unwrap();
    client.process(request(&start("c-2"))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_with_a_running_or_waiting_request_are_never_idle() {
    let minute = Duration::from_secs(60);
    let flow = Server::new(Timed).max_calls(1).idle_timeout(minute);
    let near = Near::new(flow.deadline(None));
    near.start("a").await.unwrap();
    let (running, waiting, other, late) = tokio::join!(
        at(0, near.busy("a", 600)),
        at(1, near.busy("a", 600)),
        at(599, near.start("b")),
        at(1199, near.start("b")),
    );
    assert_eq!(running, (known(), 600.0));
    assert_eq!(waiting, (known(), 1200.0));
    assert_eq!((other.0, late.0), (full(), full()));
    // No request has arrived for more than a minute, and none is running.
    assert_eq!(near.start("b").await, known());
    assert_eq!(near.busy("a", 0).await, unknown());
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_used_again_after_the_idle_timeout_is_another_call() {
    let flow = || Server::new(Timed);
    for (flow, idle) in [
        // Default: 30 min.
        (flow(), 1800),
        (flow().idle_timeout(Duration::from_secs(7)), 7),
        (flow().idle_timeout(Duration::from_secs(24 * 3600)), 24 * 3600),
    ] {
        let near = Near::new(flow);
        near.start(ID).await.unwrap();
        for _ in 0..3 {
            sleep(Duration::from_secs(idle - 1)).await;
            assert_eq!(near.busy(ID, 0).await, known(), "{idle}");
        }
        sleep(Duration::from_secs(idle)).await;
        assert_eq!(near.busy(ID, 0).await, unknown(), "{idle}");
    }
}

#[tokio::test]
async fn refused_requests_do_not_create_a_call() {
    /// Accepts one token for each call.
    struct One;

    impl TokenAuthorizer for One {
        async fn check(&self, request: TokenCheck<'_>) -> Result<Account, AuthTokenError> {
            match request.token {
                Some(token) if token.expose() == request.user_id => Ok(Account::default()),
                _ => Err(AuthTokenError::NotAccepted),
            }
        }
    }

    let flow = Server::new(Parrot).authorize(One).max_calls(1);
    let address = start_router(flow.router()).await;
    let allowed = |body: &Value| changed(body, [("/inparams/auth_token", Some("c-7".into()))]);
    ask(address, V1, &allowed(&start("c-7"))).await.outparams("c-7", 9);
    for number in 0..3 {
        let body = start(&format!("c-{number}"));
        ask(address, V1, &body).await.fault(403, 900_002, Some(&format!("c-{number}")));
        let unknown = changed(&body, [("/inaction", Some(12.into()))]);
        ask(address, V1, &unknown).await.fault(400, -1, Some(&format!("c-{number}")));
        ask(address, V1, &json!({"userid": "c-9"})).await.fault(400, -1, Some("c-9"));
    }
    // None of them has taken the room of the call that is known.
    let release = ask(address, V1, &allowed(&hangup("c-7"))).await.outparams("c-7", 10);
    assert_eq!(release["call_sor_id"], CALLER);
}
