//! Who may call, and who owns what.

use super::*;

#[tokio::test]
async fn a_refused_client_gets_403_with_a_body_everywhere() {
    let mut bench = Bench::new().await;
    for (path, name, body) in places() {
        let answer = bench.ask_as("no", &path, &body).await;
        assert_eq!(answer.failure(403, 403), "log in first", "{path}");
        assert_eq!(answer.header("content-type"), "application/json");
        bench.nothing_heard();
        assert_eq!(bench.asked.try_recv().unwrap()["operation"], name);
        // The next request on the same connection is authorized again.
        bench.ask_as("a", &path, &body).await.good();
        bench.heard();
        bench.asked.try_recv().unwrap();
    }
}

#[tokio::test]
async fn a_refused_client_learns_nothing_about_instances_and_channels() {
    let mut bench = Bench::new().await;
    for (path, _, body) in places() {
        let mut seen = std::collections::HashSet::new();
        for id in ["a", "b", "nobody", "broken"] {
            let mut body = body.clone();
            for (key, prefix) in [("ai_agent_instance_id", "i"), ("channel_id", "c")] {
                if body.get(key).is_some() {
                    body[key] = format!("{prefix}-{id}").into();
                }
            }
            seen.insert(bench.ask_as("no", &path, &body).await.failure(403, 403));
        }
        assert_eq!(seen.len(), 1, "{path}: {seen:?}");
    }
}

#[tokio::test]
async fn the_authorizer_gets_the_authorization_header_without_bearer() {
    let mut bench = Bench::new().await;
    for (path, _, body) in places() {
        for (sent, got) in [
            (Some("token-1"), Some("token-1")),
            (Some("Bearer token-1"), Some("token-1")),
            (Some("bearer  token-1"), Some("token-1")),
            (Some("BEARER token-1 "), Some("token-1")),
            (Some("Bearer"), Some("Bearer")),
            (Some("Bearer-token"), Some("Bearer-token")),
            (Some("Béarer t"), Some("Béarer t")),
            (Some("Basic dTpw"), Some("Basic dTpw")),
            (Some("a, b;c=\"d\""), Some("a, b;c=\"d\"")),
            (Some("4711"), Some("4711")),
            (Some("{\"a\":1}"), Some("{\"a\":1}")),
            (Some(""), None),
            (Some("  "), None),
            (None, None),
        ] {
            let mut post = Post::json(&path, &body);
            if let Some(sent) = sent {
                post = post.header("authorization", sent);
            }
            bench.peer.ask(&post).await;
            let asked = bench.asked.try_recv().expect("the authorizer was not asked");
            assert_eq!(asked["authorization"], json!(got), "{path} {sent:?}");
        }
    }
}

#[tokio::test]
async fn the_authorizer_gets_the_ids_in_the_request() {
    let mut bench = Bench::new().await;
    for (path, name, mut body) in places() {
        for spaced in [false, true] {
            let mut named = json!({"operation": name, "authorization": null});
            for (key, ask) in [
                ("user_id", "user"),
                ("channel_id", "channel"),
                ("ai_agent_instance_id", "instance"),
                ("ai_agent_id", "agent"),
            ] {
                if spaced && let Some(value) = body.get_mut(key) {
                    *value = format!(" {} ", value.as_str().unwrap()).into();
                }
                // Unchanged, as the handler gets it.
                named[ask] = body.get(key).cloned().unwrap_or_default();
            }
            bench.ask(&path, &body).await;
            assert_eq!(bench.asked.try_recv().unwrap(), named, "{path}");
        }
    }
    // Optional fields.
    for name in ["stopAIAgentInstance", "updateAIAgentInstance"] {
        let body = json!({"ai_agent_instance_id": "i-a", "user_id": "u7", "template_config": "{}"});
        bench.ask(&format!("{V1}/{name}"), &body).await;
        assert_eq!(bench.asked.try_recv().unwrap()["user"], "u7", "{name}");
    }
}

#[tokio::test]
async fn instances_and_channels_of_another_principal_are_refused_with_403() {
    let mut bench = Bench::new().await;
    for (path, name, body) in places() {
        let what = match name {
            "stopAIAgentInstance" | "updateAIAgentInstance" | "describeAIAgentInstance" => {
                "the instance belongs to another caller"
            }
            "startAIAgentInstanceWithChannel" | "getRtcAuthToken" => {
                "the channel belongs to another caller"
            }
            _ => continue,
        };
        let answer = bench.ask_as("b", &path, &body).await;
        assert_eq!(answer.failure(403, 403), what, "{path}");
        bench.nothing_heard();
        bench.ask_as("a", &path, &body).await.good();
        assert_eq!(bench.heard()["caller"], "a");
        // An id with blanks around it is another id, and unknown.
        if what.contains("instance") {
            let key = "ai_agent_instance_id";
            let spaced = format!("\u{a0} {}\t", body[key].as_str().unwrap());
            bench.ask_as("b", &path, &changed(&body, key, Some(spaced.into()))).await;
            bench.nothing_heard();
        }
    }
}

#[tokio::test]
async fn an_unknown_instance_is_404_and_an_unknown_channel_reaches_the_handler() {
    let mut bench = Bench::new().await;
    for (path, name, body) in places() {
        let unknown = |key| changed(&body, key, Some("nobody's".into()));
        match name {
            "stopAIAgentInstance" | "updateAIAgentInstance" | "describeAIAgentInstance" => {
                let answer = bench.ask(&path, &unknown("ai_agent_instance_id")).await;
                bench.nothing_heard();
                if path.starts_with(V1) {
                    assert_eq!(answer.good(), json!({"result": false}));
                } else {
                    answer.failure(200, 404);
                    assert_eq!(answer.error_code(), "InstanceNotFound");
                }
            }
            "startAIAgentInstanceWithChannel" | "getRtcAuthToken" => {
                bench.ask(&path, &unknown("channel_id")).await.good();
                assert_eq!(bench.heard()["request"]["channel_id"], "nobody's");
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn known_callers_are_recognized_by_their_whole_token() {
    let (told, mut heard) = unbounded_channel();
    let callers = KnownCallers::new().caller("a", "token-a").caller("b", "token-b").caller("e", "");
    let address = start_router(router(Desk { told, act: Act::Well }, callers)).await;
    let mut peer = Peer::connect(address).await;
    for (token, caller) in [
        (Some("token-a"), Some("a")),
        (Some("token-b"), Some("b")),
        (Some("token-"), None),
        (Some("token-aa"), None),
        (Some("TOKEN-A"), None),
        (Some("Bearer token-a"), Some("a")),
        (Some("bearer token-b"), Some("b")),
        (Some("Bearer token-"), None),
        (Some("Bearer Bearer token-a"), None),
        (Some(""), None),
        (None, None),
    ] {
        for (path, _, body) in places() {
            let owner = caller.unwrap_or("a");
            let body = body.to_string().replace("-a\"", &format!("-{owner}\""));
            let mut post = Post::new(&path, body);
            if let Some(token) = token {
                post = post.header("Authorization", token);
            }
            let answer = peer.ask(&post).await;
            match caller {
                Some(caller) => {
                    answer.good();
                    assert_eq!(heard.try_recv().unwrap()["caller"], caller);
                }
                None => {
                    answer.failure(403, 403);
                    assert!(heard.try_recv().is_err(), "a handler was called");
                }
            }
        }
    }
}
