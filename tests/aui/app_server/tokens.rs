//! The tokens of users, agents and chats.

use super::*;

#[tokio::test]
async fn a_users_token_lives_as_long_as_requested_and_at_most_one_day() {
    let bench = Bench::new();
    for (expire, life) in [
        (None, DAY),
        (Some(0), DAY),
        (Some(1), 1),
        (Some(24), 24),
        (Some(3600), 3600),
        (Some(DAY), DAY),
        (Some(DAY + 1), DAY),
        (Some(7 * DAY), DAY),
    ] {
        let (mut call, mut instance) = (generate(), start());
        call.expire = expire.map(secs);
        instance.expire = expire.map(secs);
        for client in [&bench.a, &bench.old_a] {
            let made = client.generate_call(&call).await.unwrap();
            let started = client.start_instance(&instance).await.unwrap();
            for (token, channel) in
                [(&made.rtc_token, &made.channel_id), (&started.rtc_token, &started.channel_id)]
            {
                let token = bench.tokens.check(token.expose()).unwrap();
                assert_eq!(token.expires_at, NOW + life, "{expire:?}");
                assert_eq!((&token.channel_id, &*token.user_id), (channel, "u1"));
            }
        }
    }
    let answer = bench.a.rtc_token(&RtcTokenRequest::new("u1")).await.unwrap();
    assert_eq!(answer.expires_at, NOW + DAY);
}

#[tokio::test]
async fn the_configured_lifetime_applies_to_every_users_token() {
    let hand = Hand::new();
    let tokens = tokens(&hand).lifetime(secs(HOUR));
    let app = AppServer::new(InMemoryAgents::new(tokens.clone()), tokens.clone())
        .agent(AgentType::Voice, "agent-voice");
    let caller = Principal::new("a");
    let answer = app.rtc_token(&caller, RtcTokenRequest::new("u1")).await.unwrap();
    assert_eq!(answer.expires_at, NOW + HOUR);
    let started = app.start_instance(&caller, start()).await.unwrap();
    assert_eq!(tokens.check(started.rtc_token.expose()).unwrap().expires_at, NOW + HOUR);
}

#[tokio::test]
async fn an_agents_token_lives_for_7_days_and_goes_only_upstream() {
    let record = Record::default();
    let bench = Bench::over(|_| record.clone(), |app, _| app);
    let started = bench.started().await;
    bench.a.start_instance_in_channel(&in_channel("room-1")).await.unwrap();
    let starts = record.starts();
    for (index, channel) in [&*started.channel_id, "room-1"].into_iter().enumerate() {
        let runtime = &starts[index].runtime_config;
        let token = bench.tokens.check(runtime.auth_token.expose()).unwrap();
        assert_eq!((&*token.channel_id, &*runtime.channel_id), (channel, channel));
        assert_eq!(token.user_id, runtime.agent_user_id);
        assert_eq!(token.expires_at, NOW + 7 * DAY);
        assert_ne!(runtime.auth_token.expose(), started.rtc_token.expose());
    }
    assert_eq!(starts[0].runtime_config.agent_user_id, started.agent_user_id);
    bench.hand.forward(7 * DAY - 1);
    let token = starts[0].runtime_config.auth_token.expose();
    assert!(bench.tokens.check(token).is_ok());
    bench.hand.forward(1);
    assert_eq!(bench.tokens.check(token), Err(RtcTokenError::Expired));
}

#[tokio::test]
async fn a_token_for_the_agents_own_user_id_is_refused() {
    let bench = Bench::new();
    let started = bench.started().await;
    let agent = RtcTokenRequest::new(&started.agent_user_id).with_channel_id(&started.channel_id);
    let refused = codes(bench.a.rtc_token(&agent).await);
    assert_eq!(refused, (200, 400, "InvalidParameter".into()));
    bench.a.rtc_token(&agent.with_channel_id("room-9")).await.unwrap();
}

#[tokio::test]
async fn an_rtc_token_is_for_the_named_channel_or_a_new_one() {
    let bench = Bench::new();
    let named = RtcTokenRequest::new("u1").with_channel_id("room-1");
    let answer = bench.a.rtc_token(&named).await.unwrap();
    assert_eq!(answer.channel_id.as_deref(), Some("room-1"));
    let token = bench.tokens.check(answer.rtc_token.expose()).unwrap();
    assert_eq!((&*token.channel_id, &*token.user_id), ("room-1", "u1"));
    assert_eq!((token.expires_at, answer.expires_at), (NOW + DAY, NOW + DAY));
    // Another user of the same principal.
    let other = RtcTokenRequest::new("u2").with_channel_id("room-1");
    let answer = bench.a.rtc_token(&other).await.unwrap();
    assert_eq!(bench.tokens.check(answer.rtc_token.expose()).unwrap().user_id, "u2");
    assert_eq!(codes(bench.b.rtc_token(&named).await), (403, 403, "403".into()));
    for blank in [None, Some("")] {
        let mut request = RtcTokenRequest::new("u1");
        request.channel_id = blank.map(Into::into);
        let answer = bench.b.rtc_token(&request).await.unwrap();
        let channel = answer.channel_id.clone().unwrap();
        assert!(is_id(&channel), "{channel}");
        let token = bench.tokens.check(answer.rtc_token.expose()).unwrap();
        assert_eq!(token.channel_id, channel);
        // The new channel belongs to its principal.
        let again = RtcTokenRequest::new("u1").with_channel_id(channel);
        assert_eq!(codes(bench.a.rtc_token(&again).await).0, 403);
        bench.b.rtc_token(&again).await.unwrap();
    }
}

#[tokio::test]
async fn chat_tokens_are_valid_if_they_are_configured() {
    let bench = Bench::new();
    let request = ChatTokenRequest::new("agent-1", "user_1");
    for client in [&bench.a, &bench.old_a] {
        let (http, code, _, message) = failure(client.chat_token(&request).await);
        assert_eq!((http, code, &*message), (200, 501, "the operation is not supported"));
    }
    let hand = Hand::new();
    let chat = ChatTokens::new("chat-app", "chat-key", "chat-sign").clock(hand.clone());
    let settings = |app: AppServer<_>| app.chat_tokens(chat.clone());
    let admin = ChatTokenRequest::new("agent-1", "user_1").with_role("admin");
    let bench = Bench::over(InMemoryAgents::new, |app, _| settings(app));
    assert_eq!(codes(bench.a.chat_token(&admin).await), (403, 403, "403".into()));
    let bench = Bench::over(InMemoryAgents::new, |app, _| settings(app).allow_admin_chats());
    for client in [&bench.a, &bench.old_a] {
        for (role, expire, expected, life) in [
            (None, None, "", HOUR),
            (Some(""), Some(0), "", HOUR),
            (Some(""), Some(1), "", 1),
            (Some("admin"), Some(60), "admin", 60),
            (Some("admin"), Some(HOUR), "admin", HOUR),
        ] {
            let mut request = request.clone();
            request.role = role.map(Into::into);
            request.expire = expire.map(secs);
            let answer = client.chat_token(&request).await.unwrap().into_inner();
            assert_eq!((&*answer.app_id, &*answer.user_id), ("chat-app", "user_1"));
            assert_eq!(answer.role.as_deref(), Some(expected));
            assert_eq!(answer.expires_at, NOW + life);
            let token = ChatToken::new(
                answer.app_id,
                answer.app_sign,
                answer.token,
                answer.user_id,
                answer.expires_at,
            )
            .with_nonce(answer.nonce.unwrap())
            .with_role(expected);
            chat.check(&token).unwrap();
        }
    }
}

#[tokio::test]
async fn invalid_requests_for_chat_tokens_are_refused() {
    let chat = ChatTokens::new("chat-app", "chat-key", "chat-sign").clock(Hand::new());
    let (app, a, _) = desk();
    let app = app.chat_tokens(chat);
    let request = |user: &str| ChatTokenRequest::new("agent-1", user);
    for (request, says) in [
        (request("user-1"), "/user_id: \"user-1\", allowed: "),
        (request("user 1"), "/user_id: \"user 1\", allowed: "),
        (request(" "), "/user_id: must be there"),
        (ChatTokenRequest::new(" ", "user_1"), "/ai_agent_id: must be there"),
        (request("user_1").with_role("root"), "/role: "),
        (request("user_1").with_role("Admin"), "/role: "),
    ] {
        let error = app.chat_token(&a, request).await.unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
    }
    // More than an hour counts as one hour.
    let request = request("user_1").with_expire(secs(7 * DAY));
    let answer = app.chat_token(&a, request).await.unwrap();
    assert_eq!(answer.expires_at, NOW + HOUR);
}

#[tokio::test]
async fn secrets_do_not_show_in_debug() {
    let tokens = RtcTokens::new("app-1", "secret-key");
    let upstream = InMemoryAgents::new(tokens.clone());
    let app = AppServer::new(upstream, tokens)
        .agent(AgentType::Voice, "agent-voice")
        .chat_tokens(ChatTokens::new("app-1", "secret-key", "secret-sign"));
    let started = app.start_instance(&Principal::new("a"), start()).await.unwrap();
    let callers = KnownCallers::new().caller("a", "secret-token");
    let mut shown = format!("{app:?} {:?} {started:?} {callers:?}", app.upstream());
    shown += &format!("{:?}", Server::new(app, callers));
    assert!(!shown.contains("secret-") && !shown.contains(started.rtc_token.expose()), "{shown}");
}
