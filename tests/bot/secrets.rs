//! Secret inputs: the bot gets them, and nothing that callbot keeps or traces contains them.

use std::sync::{Arc, Mutex};

use axum::Router;
use callbot::bot::Limits;
use callbot::bot::testing::TestCall;
use callbot::bot::{
    Bot, Call, CallKey, Cut, Entry, Gather, Heard, Host, Input, Platform, Reply, Result,
};
use callbot::odfs::{Account, AuthTokenError, TokenAuthorizer, TokenCheck};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::bots::*;
use crate::support::traces::traced;
use Platform::{AiCall, Chat, DigitalEmployee, Duix, DuixStream, Odfs};

/// The secrets. The bot repeats both.
const WORDS: &str = "Open Sesame";
const KEYS: &str = "471108";

/// Asks for secrets and repeats them. Its memory counts the inputs that it got.
#[derive(Clone, Default)]
struct Vault {
    /// What was heard of the replies that were cut.
    heard: Arc<Mutex<Vec<Heard>>>,
    inputs: Arc<Mutex<Vec<Input>>>,
}

impl Bot for Vault {
    type Memory = u32;

    async fn turn(&self, call: &mut Call<u32>, input: Input, reply: &mut Reply) -> Result {
        self.inputs.lock().unwrap().push(input.clone());
        call.memory += 1;
        let text = match input {
            Input::Speech(text) | Input::Dtmf(text) => text,
            _ => return reply.say("Are you there?").await,
        };
        match text.as_str() {
            "PIN" => {
                reply.say("Your PIN?").await?;
                reply.gather(Gather::up_to(6).secret()).await
            }
            "password" => {
                reply.say("Your password?").await?;
                reply.secret_input().await
            }
            "PIN, slowly" => {
                reply.say("Your PIN?").await?;
                reply.gather(Gather::up_to(6).secret()).await?;
                std::future::pending().await
            }
            text if text.starts_with("4711") => {
                reply.say(format!("You entered {text}. ")).await?;
                match text {
                    "4711 fails" => return Err("as it was asked to".into()),
                    "4711 waits" => sleep(SECOND).await,
                    "4711 holds" => {
                        let work = async |_: &mut Call<u32>| {
                            sleep(400 * MS).await;
                            Ok(())
                        };
                        call.hold(work).await?;
                    }
                    _ => {}
                }
                reply.say("Thank you.").await
            }
            text => reply.say(format!("You said: {text}")).await,
        }
    }

    async fn interrupted(&self, _: &mut Call<u32>, cut: &Cut) -> Result {
        self.heard.lock().unwrap().push(cut.heard.clone());
        Ok(())
    }
}

/// A vault on all platforms, with everything traced.
struct Bench {
    vault: Vault,
    store: Moody<true>,
    host: Host<Vault>,
    router: Router,
    /// The messages of a conversation on chat completions.
    messages: Mutex<Vec<Value>>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Moody::default())
    }

    fn with(store: Moody<true>) -> Self {
        Self::with_limits(store, Limits::default())
    }

    fn with_limits(store: Moody<true>, limits: Limits) -> Self {
        let vault = Vault::default();
        let host = Host::builder(vault.clone()).store(store.clone()).limits(limits).build();
        let phone = host.digital_employee().unwrap().trace_content(true).router();
        let human = host.duix().unwrap().trace_content(true).router();
        let texts = [("asr:7".to_owned(), WORDS.to_owned())];
        let settings = callbot::bot::OdfsSettings::default()
            .with_recognitions(std::collections::HashMap::from(texts));
        let ivr = host.odfs_with(settings).unwrap().trace_content(true).router();
        let chat = host.chat().unwrap().trace_content(true).router();
        let router = phone.merge(human).merge(ivr).merge(chat);
        Self { vault, store, host, router, messages: Mutex::default() }
    }

    async fn post(&self, path: &str, body: Value) -> String {
        let (_, answer) = post(&self.router, path, body.to_string()).await;
        answer
    }

    /// Digital Employee: the caller says or presses something.
    async fn phone(&self, turn: &str, text: &str, keys: &str) -> String {
        let mut body = json!({
            "requestId": "r", "tenantId": 1, "instanceId": "n", "scriptId": "sc", "sessionId": "c",
            "streamId": turn, "utterance": text,
        });
        if !keys.is_empty() {
            body["extras"] = json!([{"dataType": "DTMF", "dtmf": keys}]);
        }
        self.post("/proxy/dialogue", body).await
    }

    async fn barge_in(&self, turn: &str, heard: &str) {
        let body = json!({
            "requestId": "r", "tenantId": 1, "instanceId": "n", "sessionId": "c", "streamId": turn,
            "type": "interrupted", "answer": heard,
        });
        self.post("/proxy/abortDialogue", body).await;
    }

    /// Chat completions: the request has the whole conversation.
    async fn chat(&self, platform: Platform, turn: &str, text: &str) -> String {
        let messages = {
            let mut messages = self.messages.lock().unwrap();
            messages.push(json!({"role": "user", "content": text}));
            messages.clone()
        };
        let mut body = json!({"model": "bot", "messages": messages});
        match platform {
            AiCall => body["extendData"] = json!({"instanceId": "c", "sentenceId": turn}),
            _ => body["metadata"] = json!({"call_id": "c", "turn_id": turn}),
        }
        let answer = self.post("/v1/chat/completions", body).await;
        let json: Value = serde_json::from_str(&answer).unwrap();
        self.messages.lock().unwrap().push(json["choices"][0]["message"].clone());
        answer
    }

    /// Says something on a platform, or presses it on one with keys.
    async fn turn(&self, platform: Platform, turn: &str, text: &str, keys: &str) -> String {
        let question = json!({
            "dh-conversation-id": "c", "dh-question": format!("{text}{keys}"), "dh-code": "a", "sid": "u",
        });
        match platform {
            DigitalEmployee => self.phone(turn, text, keys).await,
            Duix => self.post("/duix/dialogue", question).await,
            DuixStream => self.post("/duix/dialogue/stream", question).await,
            AiCall | Chat => self.chat(platform, turn, text).await,
            _ => {
                let inparams = match (text, keys) {
                    // As the voice platform sends it.
                    (WORDS, _) => {
                        json!({"flow_result_type": "1", "input": "asr:7@0", "inter_no": "0"})
                    }
                    (text, "") => json!({"flow_result_type": "1", "input": text}),
                    (_, keys) => json!({"flow_result_type": "2", "input": keys}),
                };
                let ivr = Ivr::new(self.router.clone(), "c");
                ivr.ask(9, inparams, json!({})).await.1.to_string()
            }
        }
    }

    async fn history(&self, platform: Platform) -> Vec<Entry> {
        let key = CallKey::new(platform, "c");
        let seen = self.host.snapshot(&key).await.unwrap().unwrap();
        seen.history.iter().cloned().collect()
    }

    #[track_caller]
    fn stored_nothing_of(&self, secret: &str) {
        let stored = self.store.written();
        for part in [secret.to_owned(), secret.to_lowercase()] {
            assert!(!stored.contains(&part), "{part:?} was stored:\n{stored}");
        }
    }
}

fn secret_speech() -> Option<Input> {
    Some(Input::Speech(Entry::SECRET.into()))
}

fn secret_keys() -> Option<Input> {
    Some(Input::Dtmf(Entry::SECRET.into()))
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_neither_stored_nor_traced_on_any_platform() {
    for platform in Platform::ALL {
        let gathers = platform.capabilities().gather.is_some();
        let (traces, _guard) = traced();
        let bench = Bench::new();
        let asked = bench.turn(platform, "t-1", "password", "").await;
        assert!(asked.contains("Your password?"), "{asked}");
        let answer = bench.turn(platform, "t-2", WORDS, "").await;
        assert!(answer.contains("You said: Open Sesame"), "{platform}: {answer}");
        if gathers {
            bench.turn(platform, "t-3", "PIN", "").await;
            let answer = bench.turn(platform, "t-4", "", KEYS).await;
            assert!(answer.contains("You entered 471108. "), "{platform}: {answer}");
        }
        bench.turn(platform, "t-5", "goodbye", "").await;

        let history = bench.history(platform).await;
        assert!(history[0].input == Some(Input::Speech("password".into())) && !history[0].secret);
        assert!(history[1].input == secret_speech() && history[1].secret, "{platform}");
        assert_eq!(history[1].said, "You said: [secret]", "{platform}");
        if gathers {
            assert!(history[3].input == secret_keys(), "{platform}");
            assert_eq!(history[3].said, "You entered [secret]. Thank you.", "{platform}");
        }
        // What follows is no secret.
        let last = history.last().unwrap();
        assert!(last.input == Some(Input::Speech("goodbye".into())) && !last.secret, "{platform}");
        let got = bench.vault.inputs.lock().unwrap().clone();
        assert!(got.contains(&Input::Speech(WORDS.into())), "{platform}");

        bench.stored_nothing_of(WORDS);
        bench.stored_nothing_of(KEYS);
        let traces = traces.text();
        for secret in ["Sesame", KEYS] {
            assert!(!traces.contains(secret), "{secret} on {platform}:\n{traces}");
        }
        // The rest is traced, unless a request has the whole conversation.
        let whole = matches!(platform, AiCall | Chat);
        let rest = if whole { "password" } else { "goodbye" };
        for shown in ["password", rest, "request=\"[hidden]\""] {
            assert!(traces.contains(shown), "{shown} on {platform}:\n{traces}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_with_the_conversation_is_not_traced_even_if_the_history_has_dropped_the_secret()
{
    for platform in [AiCall, Chat] {
        let (traces, _guard) = traced();
        let limits = Limits::default().with_max_history_entries(2);
        let bench = Bench::with_limits(Moody::default(), limits);
        bench.turn(platform, "t-1", "password", "").await;
        bench.turn(platform, "t-2", WORDS, "").await;
        for turn in ["t-3", "t-4", "t-5", "t-6"] {
            bench.turn(platform, turn, "goodbye", "").await;
        }
        assert!(bench.history(platform).await.iter().all(|entry| !entry.secret));
        assert!(!traces.text().contains("Sesame"), "{platform}:\n{}", traces.text());
    }
}

/// Takes the token for the name of the account.
struct ByToken;

impl TokenAuthorizer for ByToken {
    async fn check(&self, request: TokenCheck<'_>) -> std::result::Result<Account, AuthTokenError> {
        request
            .token
            .map(|token| Account::new(token.expose()))
            .ok_or(AuthTokenError::MissingOrExpired)
    }
}

#[tokio::test(start_paused = true)]
async fn the_secrets_of_an_account_are_not_traced() {
    let (traces, _guard) = traced();
    let host = Host::new(Vault::default());
    let router = host.odfs().unwrap().authorize(ByToken).trace_content(true).router();
    let ask = async |token: &str, kind: &str, input: &str| {
        let inparams = json!({"flow_result_type": kind, "input": input, "auth_token": token});
        Ivr::new(router.clone(), "c").ask(9, inparams, json!({})).await.1.to_string()
    };
    assert!(ask("tenant-1", "1", "PIN").await.contains("Your PIN?"));
    // The call of another account has the same id.
    assert!(ask("tenant-2", "1", "a public word").await.contains("You said: a public word"));
    // No account can be told.
    ask("", "2", KEYS).await;
    assert!(ask("tenant-1", "2", KEYS).await.contains("You entered 471108. "));
    let traces = traces.text();
    assert!(!traces.contains(KEYS), "{traces}");
    for shown in ["PIN", "a public word"] {
        assert!(traces.contains(shown), "{shown}:\n{traces}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_turn_gets_the_same_answer_and_stays_secret() {
    let (traces, _guard) = traced();
    let bench = Bench::new();
    bench.phone("t-1", "PIN", "").await;
    for _ in 0..2 {
        let answer = bench.phone("t-2", "", KEYS).await;
        assert!(answer.contains("You entered 471108. Thank you."), "{answer}");
    }
    bench.phone("t-3", "goodbye", "").await;
    let again = bench.phone("t-2", "", KEYS).await;
    assert!(again.contains("You entered 471108. Thank you."), "{again}");
    assert_eq!(bench.vault.inputs.lock().unwrap().len(), 3);
    bench.stored_nothing_of(KEYS);
    assert!(!traces.text().contains(KEYS), "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn what_was_heard_of_a_reply_that_repeats_a_secret_is_unknown() {
    let (traces, _guard) = traced();
    let bench = Bench::new();
    bench.phone("t-1", "PIN", "").await;
    bench.phone("t-2", "", KEYS).await;
    bench.barge_in("t-2", "You entered 471108. Th").await;
    let entry = bench.history(DigitalEmployee).await.remove(1);
    assert_eq!(entry.said, "You entered [secret]. Thank you.");
    assert_eq!(entry.heard, Some(Heard::Unknown));
    // A running reply, too: the caller barges in while the bot waits.
    bench.phone("t-3", "PIN", "").await;
    let running = async { bench.phone("t-4", "", "4711 waits").await };
    let barging = async {
        sleep(100 * MS).await;
        bench.barge_in("t-4", "You entered 4711 wai").await;
    };
    tokio::join!(running, barging);
    let entry = bench.history(DigitalEmployee).await.remove(3);
    assert_eq!(
        (entry.said.as_str(), entry.heard),
        ("You entered [secret]. ", Some(Heard::Unknown))
    );
    assert_eq!(*bench.vault.heard.lock().unwrap(), [Heard::Unknown, Heard::Unknown]);
    // The turn was cut, so the next input is secret, too. Of the reply after that it is known.
    bench.phone("t-5", "471144", "").await;
    bench.phone("t-6", "goodbye", "").await;
    bench.barge_in("t-6", "You said").await;
    let entry = bench.history(DigitalEmployee).await.remove(5);
    assert_eq!(entry.heard, Some(Heard::UpTo("You said".into())));
    bench.stored_nothing_of("4711");
    assert!(!traces.text().contains("4711"), "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_barges_in_with_the_secret_keeps_it_secret() {
    let (traces, _guard) = traced();
    let bench = Bench::new();
    // The turn that asks never ends: the digits cut it. Then they come in two parts.
    let asking = async { bench.phone("t-1", "PIN, slowly", "").await };
    let first = async {
        sleep(100 * MS).await;
        bench.phone("t-2", "", "4711 waits").await
    };
    let second = async {
        sleep(200 * MS).await;
        bench.phone("t-3", "", "471199").await
    };
    let (asked, _, answer) = tokio::join!(asking, first, second);
    assert!(asked.contains("Your PIN?"), "{asked}");
    assert!(answer.contains("You entered 471199."), "{answer}");
    let history = bench.history(DigitalEmployee).await;
    assert!(history[1].input == secret_keys() && history[2].input == secret_keys());
    bench.stored_nothing_of("4711");
    assert!(!traces.text().contains("4711"), "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_reaches_another_server_stays_secret() {
    let (traces, _guard) = traced();
    let bench = Bench::new();
    let other = Bench::with(bench.store.clone());
    // The turn that asks is still running on the first server.
    let asking = async { bench.phone("t-1", "PIN, slowly", "").await };
    let answering = async {
        sleep(100 * MS).await;
        other.phone("t-2", "", KEYS).await
    };
    let (_, answer) = tokio::join!(asking, answering);
    assert!(answer.contains("You entered 471108."), "{answer}");
    let history = other.history(DigitalEmployee).await;
    assert!(history.iter().any(|entry| entry.input == secret_keys()));
    bench.stored_nothing_of(KEYS);
    assert!(!traces.text().contains(KEYS), "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_never_got_the_call_keeps_its_secret() {
    let (traces, _guard) = traced();
    let bench = Bench::new();
    bench.phone("t-1", "PIN", "").await;
    // The second turn waits for the hold of the first, and the third overtakes it.
    let holding = async { bench.phone("t-2", "", "4711 holds").await };
    let waiting = async {
        sleep(100 * MS).await;
        bench.phone("t-3", "", "471155").await
    };
    let last = async {
        sleep(200 * MS).await;
        bench.phone("t-4", "", "471166").await
    };
    let (_, _, answer) = tokio::join!(holding, waiting, last);
    assert!(answer.contains("You entered 471166."), "{answer}");
    let history = bench.history(DigitalEmployee).await;
    assert_eq!(history.len(), 4);
    assert!(history[1..].iter().all(|entry| entry.input == secret_keys() && entry.secret));
    bench.stored_nothing_of("4711");
    assert!(!traces.text().contains("4711"), "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn an_input_stays_secret_until_a_turn_with_content_succeeds() {
    let (traces, _guard) = traced();
    let bench = Bench::new();
    bench.phone("t-1", "PIN", "").await;
    let silence = json!({
        "requestId": "r", "tenantId": 1, "instanceId": "n", "scriptId": "sc", "sessionId": "c",
        "streamId": "t-2", "utterance": "", "extras": [{"dataType": "SILENCE"}],
    });
    let silence = bench.post("/proxy/dialogue", silence).await;
    assert!(silence.contains("Are you there?"), "{silence}");
    for _ in 0..2 {
        // The platform repeats a request that failed.
        bench.phone("t-3", "", "4711 fails").await;
    }
    let answer = bench.phone("t-4", "", "471177").await;
    assert!(answer.contains("You entered 471177."), "{answer}");
    bench.phone("t-5", "goodbye", "").await;
    // An answer that failed is given anew, and is as secret as before.
    bench.phone("t-3", "", "4711 fails").await;
    let history = bench.history(DigitalEmployee).await;
    let inputs: Vec<_> = history.iter().map(|entry| (entry.turn.as_str(), entry.secret)).collect();
    let expected = [("t-1", false), ("t-2", false), ("t-3", true), ("t-4", true), ("t-5", false)];
    assert_eq!(inputs, expected);
    bench.stored_nothing_of("4711");
    // The bot's own error is its own text.
    assert!(!traces.text().contains("4711"), "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn a_transcript_hides_secrets_and_so_does_a_failed_expectation() {
    for platform in [DigitalEmployee, Odfs] {
        let mut call = TestCall::on(platform, Vault::default());
        call.say("PIN").await.expect_gather(6);
        let answer = call.keys(KEYS).await;
        // The test itself sees what the platform got.
        answer.expect_text("You entered 471108. Thank you.");
        call.say("password").await;
        call.say(WORDS).await.expect_text("You said: Open Sesame");
        call.say("goodbye").await;
        for text in [call.to_string(), answer.to_string()] {
            assert!(!text.contains(KEYS) && !text.contains("Sesame"), "{text}");
        }
        let text = call.to_string();
        for shown in [
            "caller  (presses [secret])\n",
            "bot     “You entered [secret]. Thank you.”\n",
            "caller  “[secret]”\n",
            "caller  “goodbye”\n",
        ] {
            assert!(text.contains(shown), "{shown} in {text}");
        }
        let wrong = std::panic::AssertUnwindSafe(|| answer.expect_text("nothing").text().len());
        let wrong = std::panic::catch_unwind(wrong).unwrap_err();
        let text = wrong.downcast_ref::<String>().unwrap();
        assert!(text.contains("the bot says \"You entered [secret]. Thank you.\""), "{text}");
        assert!(!text.contains(KEYS), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_secret_fails_if_the_mark_cannot_be_stored() {
    let store = Moody::<false>::default();
    let host = Host::builder(Vault::default()).store(store.clone()).build();
    let line = line(host);
    store.set(Op::Leave, Fate::Fails, 1);
    assert_eq!(line.failure("c", "t-1", "PIN").await, 500);
}

#[tokio::test]
async fn of_a_request_that_cannot_be_read_only_the_structure_is_traced_where_a_secret_is_expected()
{
    let (traces, _guard) = traced();
    let bench = Bench::new();
    bench.phone("1", "PIN", "").await;
    for dtmf in [json!({"digits": KEYS}), json!({KEYS: 1})] {
        let extras = json!([{"dataType": "DTMF", "dtmf": dtmf}]);
        bench.post("/proxy/dialogue", json!({"sessionId": "c", "extras": extras})).await;
    }
    // One that does not name its call may belong to any.
    bench.post("/proxy/dialogue", json!({"extras": [{"dtmf": KEYS}]})).await;
    let lines = traces.with(&["callbot::content", "unreadable request"]);
    assert_eq!(lines.len(), 3, "{}", traces.text());
    assert!(lines.iter().all(|line| line.contains("\"dtmf\":")), "{lines:?}");
    assert_eq!(traces.with(&[KEYS]), [""; 0]);
    // Of any other call it is traced as it is.
    let extras = json!([{"dtmf": ["in the clear"]}]);
    bench.post("/proxy/dialogue", json!({"sessionId": "d", "extras": extras})).await;
    assert_eq!(traces.with(&["unreadable request", "in the clear"]).len(), 1);
}
