//! Who owns an instance or a channel, for how long, and how many are remembered.

use super::*;

#[tokio::test]
async fn only_the_principal_that_started_an_instance_may_use_it() {
    let bench = Bench::new();
    let refused = (403, 403, String::from("403"));
    let in_channel = bench.a.start_instance_in_channel(&in_channel("room-1")).await.unwrap();
    let made = bench.a.generate_call(&generate()).await.unwrap();
    let ids = [
        bench.started().await.instance_id,
        in_channel.instance_id.clone(),
        made.instance_id.clone(),
    ];
    for id in ids {
        for stopped in [false, true] {
            let stop = StopInstanceRequest::new(&id).with_user_id("u1");
            for client in [&bench.b, &bench.old_b] {
                assert_eq!(codes(client.stop_instance(&stop).await), refused);
                assert_eq!(codes(client.update_instance(&update(&id)).await), refused);
            }
            assert_eq!(codes(bench.b.describe_instance(&describe(&id)).await), refused);
            if !stopped {
                let described = bench.a.describe_instance(&describe(&id)).await.unwrap();
                assert_ne!(described.status, Some(InstanceStatus::Finished));
            }
            bench.a.stop_instance(&stop).await.unwrap();
        }
    }
    // Nor may another principal use its channel.
    for channel in ["room-1", &made.channel_id] {
        let request = RtcTokenRequest::new("u1").with_channel_id(channel);
        assert_eq!(codes(bench.b.rtc_token(&request).await), refused);
        bench.a.rtc_token(&request).await.unwrap();
    }
}

#[tokio::test]
async fn ownership_is_checked_without_a_router_too() {
    let hand = Hand::new();
    let app = AppServer::new(InMemoryAgents::new(tokens(&hand)), tokens(&hand))
        .agent(AgentType::Voice, "agent-voice")
        .clock(hand.clone());
    let (a, b) = (Principal::new("a"), Principal::new("b"));
    let started = app.start_instance(&a, start()).await.unwrap();
    let id = &started.instance_id;
    assert!(app.stop_instance(&b, StopInstanceRequest::new(id)).await.is_err());
    assert!(app.update_instance(&b, update(id)).await.is_err());
    assert!(app.describe_instance(&b, describe(id)).await.is_err());
    let channel = &started.channel_id;
    let token = RtcTokenRequest::new("u1").with_channel_id(channel);
    assert!(app.rtc_token(&b, token.clone()).await.is_err());
    assert!(app.start_instance_in_channel(&b, in_channel(channel)).await.is_err());
    assert!(app.rtc_token(&a, token).await.is_ok());
    for (caller, expected) in [(&a, Ownership::Own), (&b, Ownership::Foreign)] {
        assert_eq!(app.owns(caller, Resource::Instance(id)).await.unwrap(), expected);
        assert_eq!(app.owns(caller, Resource::Channel(channel)).await.unwrap(), expected);
        let other = app.owns(caller, Resource::Instance(channel)).await.unwrap();
        assert_eq!(other, Ownership::Unknown);
    }
    hand.forward(DAY);
    for caller in [&a, &b] {
        let error = app.describe_instance(caller, describe(id)).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no such instance");
        let owned = app.owns(caller, Resource::Channel(channel)).await.unwrap();
        assert_eq!(owned, Ownership::Unknown);
    }
}

#[tokio::test]
async fn an_instance_is_forgotten_one_day_after_its_last_use() {
    let bench = Bench::new();
    let started = bench.started().await;
    let (id, channel) = (&started.instance_id, &started.channel_id);
    let token = RtcTokenRequest::new("u1").with_channel_id(channel);
    bench.hand.forward(DAY - 1);
    bench.a.describe_instance(&describe(id)).await.unwrap();
    bench.a.rtc_token(&token).await.unwrap();
    bench.hand.forward(DAY - 1);
    assert_eq!(codes(bench.b.describe_instance(&describe(id)).await).0, 403);
    assert_eq!(codes(bench.b.rtc_token(&token).await).0, 403);
    bench.hand.forward(1);
    for client in [&bench.a, &bench.b] {
        let none = (200, 404, String::from("InstanceNotFound"));
        assert_eq!(codes(client.describe_instance(&describe(id)).await), none);
        assert_eq!(codes(client.stop_instance(&StopInstanceRequest::new(id)).await), none);
    }
    // The channel is free again.
    bench.b.rtc_token(&token).await.unwrap();
    assert_eq!(codes(bench.a.rtc_token(&token).await).0, 403);
}

#[tokio::test]
async fn a_channel_is_kept_for_one_day_after_its_last_token() {
    let bench = Bench::new();
    let token = RtcTokenRequest::new("u1").with_channel_id("room-1");
    bench.a.rtc_token(&token).await.unwrap();
    for _ in 0..3 {
        bench.hand.forward(DAY - 1);
        assert_eq!(codes(bench.b.rtc_token(&token).await).0, 403);
        bench.a.rtc_token(&token).await.unwrap();
    }
    bench.hand.forward(DAY);
    bench.b.rtc_token(&token).await.unwrap();
}

#[tokio::test]
async fn a_stopped_instance_is_remembered_for_one_hour() {
    let bench = Bench::new();
    let id = bench.started().await.instance_id;
    let stop = StopInstanceRequest::new(&id);
    bench.a.stop_instance(&stop).await.unwrap();
    bench.hand.forward(HOUR - 1);
    bench.a.describe_instance(&describe(&id)).await.unwrap();
    // Stopping it again does not extend the time.
    bench.a.stop_instance(&stop).await.unwrap();
    bench.hand.forward(1);
    assert_eq!(codes(bench.a.describe_instance(&describe(&id)).await).1, 404);
}

#[tokio::test]
async fn instances_above_the_limit_are_refused_with_503() {
    let bench = Bench::over(InMemoryAgents::new, |app, _| app.max_instances(2));
    let full = (200, 503, String::from("ServiceUnavailable"));
    let first = bench.started().await;
    bench.a.generate_call(&generate()).await.unwrap();
    for client in [&bench.a, &bench.b, &bench.old_b] {
        assert_eq!(codes(client.generate_call(&generate()).await), full);
        assert_eq!(codes(client.start_instance(&start()).await), full);
    }
    assert_eq!(codes(bench.b.start_instance_in_channel(&in_channel("c1")).await), full);
    assert_eq!(codes(bench.b.rtc_token(&RtcTokenRequest::new("u1")).await), full);
    // Existing instances keep working.
    bench.a.describe_instance(&describe(&first.instance_id)).await.unwrap();
    bench.a.update_instance(&update(&first.instance_id)).await.unwrap();
    bench.a.stop_instance(&StopInstanceRequest::new(&first.instance_id)).await.unwrap();
    // One day later there is room again.
    bench.hand.forward(DAY);
    bench.b.generate_call(&generate()).await.unwrap();
    bench.b.start_instance(&start()).await.unwrap();
    assert_eq!(codes(bench.b.start_instance(&start()).await), full);

    let none = Bench::over(InMemoryAgents::new, |app, _| app.max_instances(0));
    assert_eq!(codes(none.a.start_instance(&start()).await), full);
}

#[tokio::test]
async fn a_stopped_instance_makes_room_after_one_hour() {
    let bench = Bench::over(InMemoryAgents::new, |app, _| app.max_instances(2));
    for _ in 0..2 {
        let id = bench.started().await.instance_id;
        bench.a.stop_instance(&StopInstanceRequest::new(id)).await.unwrap();
    }
    bench.hand.forward(HOUR);
    bench.a.start_instance(&start()).await.unwrap();
}

#[tokio::test]
async fn a_token_for_a_known_channel_needs_no_room() {
    let bench = Bench::over(InMemoryAgents::new, |app, _| app.max_instances(1));
    let channel = bench.started().await.channel_id;
    bench.a.rtc_token(&RtcTokenRequest::new("u1").with_channel_id(channel)).await.unwrap();
}

#[tokio::test]
async fn concurrent_starts_do_not_exceed_the_limit() {
    let record = Record { slow: true, ..Record::default() };
    let bench = Bench::over(|_| record.clone(), |app, _| app.max_instances(5));
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let client = bench.a.clone();
        tasks.spawn(async move { client.start_instance(&start()).await.is_ok() });
    }
    let started = tasks.join_all().await.into_iter().filter(|started| *started).count();
    assert_eq!(started, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_principals_never_see_each_others_instances() {
    let bench = Bench::new();
    let mut tasks = JoinSet::new();
    for number in 0..200 {
        let (own, other) = match number % 2 {
            0 => (bench.a.clone(), bench.b.clone()),
            _ => (bench.b.clone(), bench.a.clone()),
        };
        let tokens = bench.tokens.clone();
        tasks.spawn(async move {
            let user = format!("u{number}");
            let name = format!("v{number}");
            let started = StartInstanceRequest::new(&user, AgentType::Voice)
                .with_agent_config(voice(&name))
                .with_user_data(&name);
            let started = own.start_instance(&started).await.unwrap();
            let token = tokens.check(started.rtc_token.expose()).unwrap();
            assert_eq!((token.user_id, &token.channel_id), (user.clone(), &started.channel_id));
            let call = GenerateCallRequest::new(Template::new())
                .with_agent_id("agent-1")
                .with_user_id(&user)
                .with_user_data(&name);
            let made = own.generate_call(&call).await.unwrap();
            let mut ids = vec![];
            for (id, channel) in [
                (started.instance_id.clone(), started.channel_id.clone()),
                (made.instance_id.clone(), made.channel_id.clone()),
            ] {
                let described = own.describe_instance(&describe(&id)).await.unwrap();
                assert_eq!(described.user_data.as_ref(), Some(&name));
                let runtime = described.runtime_config.as_ref().unwrap();
                assert_eq!(runtime.channel_id.as_ref(), Some(&channel));
                let stop = StopInstanceRequest::new(&id);
                assert_eq!(codes(other.stop_instance(&stop).await).0, 403);
                assert_eq!(codes(other.describe_instance(&describe(&id)).await).0, 403);
                let token = RtcTokenRequest::new(&user).with_channel_id(&channel);
                assert_eq!(codes(other.rtc_token(&token).await).0, 403);
                own.rtc_token(&token).await.unwrap();
                own.stop_instance(&stop).await.unwrap();
                ids.extend([id, channel]);
            }
            // All of them request the same channel, and only one principal gets it.
            let shared = RtcTokenRequest::new(&user).with_channel_id("shared");
            (ids, number % 2, own.rtc_token(&shared).await.is_ok())
        });
    }
    let (mut ids, mut winners) = (HashSet::new(), HashSet::new());
    for (some, caller, shared) in tasks.join_all().await {
        for id in some {
            assert!(ids.insert(id.clone()), "{id} is repeated");
        }
        if shared {
            winners.insert(caller);
        }
    }
    assert_eq!((ids.len(), winners.len()), (800, 1));
}
