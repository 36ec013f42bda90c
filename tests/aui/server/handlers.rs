//! What becomes an answer when a handler fails, panics or hangs.

use super::*;

#[tokio::test]
async fn a_handlers_public_error_is_sent_unchanged_with_http_200() {
    let error: fn() -> Error = || {
        Error::public("The free trial is used up.")
            .status(403)
            .code("Forbidden.SubscriptionRequired")
            .request_id("upstream-1")
    };
    let mut bench = Bench::acting(Act::Fail(error)).await;
    for (path, _, body) in places() {
        let answer = bench.ask(&path, &body).await;
        if path.starts_with(V1) && stops(&path) {
            assert_eq!(answer.good(), json!({"result": false}), "{path}");
            continue;
        }
        assert_eq!(answer.failure(200, 403), "The free trial is used up.");
        let expected = json!({
            "code": 403, "message": "The free trial is used up.",
            "error_code": "Forbidden.SubscriptionRequired", "request_id": "upstream-1",
        });
        assert_eq!(answer.json(), expected, "{path}");
    }
}

#[tokio::test]
async fn an_error_that_is_not_public_does_not_show() {
    let error: fn() -> Error = || std::io::Error::other("the secret of the handler").into();
    for act in [Act::Fail(error), Act::Panic] {
        let panics = matches!(act, Act::Panic);
        let mut bench = Bench::acting(act).await;
        for (path, _, body) in places() {
            let answer = bench.ask(&path, &body).await;
            assert!(!answer.body.contains("secret"), "{answer:?}");
            if path.starts_with(V1) && stops(&path) && !panics {
                assert_eq!(answer.good(), json!({"result": false}), "{path}");
            } else {
                assert_eq!(answer.failure(200, 500), "internal error", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_failing_ownership_check_or_authorizer_is_an_internal_error() {
    let mut bench = Bench::new().await;
    let body =
        json!({"user_id": "u1", "ai_agent_instance_id": "i-broken", "template_config": "{}"});
    for name in ["stopAIAgentInstance", "updateAIAgentInstance", "describeAIAgentInstance"] {
        let answer = bench.ask(&format!("{V2}/{name}"), &body).await;
        assert_eq!(answer.failure(200, 500), "internal error");
    }
    for name in ["stopAIAgentInstance", "updateAIAgentInstance"] {
        let answer = bench.ask(&format!("{V1}/{name}"), &body).await;
        assert_eq!(answer.good(), json!({"result": false}));
    }
    for (path, _, body) in places() {
        let answer = bench.ask_as("panic", &path, &body).await;
        assert_eq!(answer.failure(200, 500), "internal error");
        assert!(!answer.body.contains("secret"), "{answer:?}");
    }
    bench.nothing_heard();
}

#[tokio::test]
async fn the_deadline_covers_handlers_and_authorizers() {
    for caller in ["a", "hang"] {
        let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let act = Act::Hang { begun, dropped: dropped.clone() };
        let limit = Some(Duration::from_millis(50));
        let mut bench = Bench::with(act, |server| server.deadline(limit)).await;
        for (path, _, body) in places() {
            let answer = bench.ask_as(caller, &path, &body).await;
            assert_eq!(answer.failure(200, 500), "no answer in time", "{path}");
            if caller == "a" {
                soon("the end of the handler", dropped.notified()).await;
            }
        }
    }
}

#[tokio::test]
async fn the_default_deadline_is_30_s_and_it_can_be_turned_off() {
    tokio::time::pause();
    for (limit, expected) in [(None, 30), (Some(Some(Duration::from_secs(3))), 3)] {
        let (told, _heard) = unbounded_channel();
        let act = Act::Hang { begun: Arc::default(), dropped: Arc::default() };
        let mut server = Server::new(Desk { told, act }, AnyCaller);
        if let Some(limit) = limit {
            server = server.deadline(limit);
        }
        let start = tokio::time::Instant::now();
        let body = in_memory(server.router(), V2, "generateAIAgentCall").await;
        assert_eq!(body["message"], "no answer in time");
        assert_eq!(start.elapsed().as_secs(), expected);
    }
    let (told, _heard) = unbounded_channel();
    let act = Act::Hang { begun: Arc::default(), dropped: Arc::default() };
    let server = Server::new(Desk { told, act }, AnyCaller).deadline(None);
    let asked = in_memory(server.router(), V2, "generateAIAgentCall");
    let day = Duration::from_secs(24 * 3600);
    assert!(tokio::time::timeout(day, asked).await.is_err(), "it ended");
}

#[tokio::test]
async fn a_client_that_disconnects_ends_only_its_own_handler() {
    let (begun, dropped) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let act = Act::Hang { begun: begun.clone(), dropped: dropped.clone() };
    let mut bench = Bench::acting(act).await;
    for (path, _, body) in places() {
        for reset in [false, true] {
            let mut peer = Peer::connect(bench.address).await;
            peer.send(&Post::json(&path, &body)).await;
            soon("the handler", begun.notified()).await;
            if reset {
                peer.reset()
            } else {
                peer.close()
            }
            soon("the end of the handler", dropped.notified()).await;
            bench.heard();
            // The client disconnects before the request is complete.
            let bytes = Post::json(&path, &body).bytes();
            let mut peer = Peer::connect(bench.address).await;
            peer.write(&bytes[..bytes.len() - 3]).await;
            if reset { peer.reset() } else { peer.close() }
        }
        let answer = bench.ask_as("no", &path, &body).await;
        answer.failure(403, 403);
        bench.nothing_heard();
    }
}

#[tokio::test]
async fn an_api_without_chat_tokens_answers_501() {
    struct Plain;

    impl Api for Plain {
        async fn owns(&self, _: &Principal, _: Resource<'_>) -> Result<Ownership, Error> {
            Ok(Ownership::Own)
        }

        async fn generate_call(
            &self,
            _: &Principal,
            _: GenerateCallRequest,
        ) -> Result<GeneratedCall, Error> {
            Err(Error::unsupported())
        }

        async fn start_instance(
            &self,
            _: &Principal,
            _: StartInstanceRequest,
        ) -> Result<StartedInstance, Error> {
            Err(Error::unsupported())
        }

        async fn stop_instance(&self, _: &Principal, _: StopInstanceRequest) -> Result<(), Error> {
            Ok(())
        }

        async fn update_instance(
            &self,
            _: &Principal,
            _: UpdateInstanceRequest,
        ) -> Result<(), Error> {
            Ok(())
        }

        async fn start_instance_in_channel(
            &self,
            _: &Principal,
            _: StartInstanceInChannelRequest,
        ) -> Result<InstanceInChannel, Error> {
            Err(Error::unsupported())
        }

        async fn describe_instance(
            &self,
            _: &Principal,
            _: DescribeInstanceRequest,
        ) -> Result<InstanceDescription, Error> {
            Ok(InstanceDescription::new().with_code(500).with_request_id("mine"))
        }

        async fn rtc_token(
            &self,
            _: &Principal,
            _: RtcTokenRequest,
        ) -> Result<RtcTokenAnswer, Error> {
            Err(Error::unsupported())
        }
    }

    let address = start_router(router(Plain, AnyCaller)).await;
    let mut peer = Peer::connect(address).await;
    for base in [V1, V2] {
        let post = Post::json(&format!("{base}/generateMessageChatToken"), &common()[4].1);
        assert!(peer.ask(&post).await.failure(200, 501).contains("not supported"));
    }
    // A success always has the code 200. The request id of the handler is kept.
    let post = Post::json(&format!("{V2}/describeAIAgentInstance"), &current()[1].1);
    assert_eq!(peer.ask(&post).await.json(), json!({"code": 200, "request_id": "mine"}));
}
