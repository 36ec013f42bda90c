//! Instances that run: updates, stops, and unknown ids.

use super::*;

#[tokio::test]
async fn an_update_is_merged_into_the_configuration() {
    let bench = Bench::new();
    let mut config = voice("v1");
    config.greeting = Some("Hello!".into());
    config.asr.vad_level = Some(3);
    let request = start().with_agent_config(config.clone());
    let started = bench.a.start_instance(&request).await.unwrap();
    let id = &started.instance_id;

    let mut change = voice("v2");
    change.volume = Some(80);
    let mut settings = TemplateConfig::unset();
    settings.greeting = Some("Hi!".into());
    let template = Template::new().with_voice(settings);
    let request = UpdateInstanceRequest::new(id, template.clone()).with_agent_config(change);
    bench.a.update_instance(&request).await.unwrap();
    config.tts.voice_id = Some("v2".into());
    config.volume = Some(80);
    let described = bench.a.describe_instance(&describe(id)).await.unwrap();
    assert_eq!(described.agent_config, Some(config.clone()));
    assert_eq!(described.template_config, Some(template.clone()));

    // At the documented base as well.
    let mut settings = TemplateConfig::unset();
    settings.volume = Some(10);
    let request = UpdateInstanceRequest::new(id, Template::new().with_voice(settings));
    bench.old_a.update_instance(&request).await.unwrap();
    let described = bench.a.describe_instance(&describe(id)).await.unwrap();
    let mut expected = template.voice.unwrap();
    expected.volume = Some(10);
    assert_eq!(described.template_config, Some(Template::new().with_voice(expected)));
    assert_eq!(described.agent_config, Some(config), "it changed without being named");
}

#[tokio::test]
async fn an_update_out_of_range_is_refused_and_changes_nothing() {
    let hand = Hand::new();
    let record = Record::default();
    let app = AppServer::new(record.clone(), tokens(&hand))
        .agent(AgentType::Voice, "agent-voice")
        .clock(hand);
    let caller = Principal::new("a");
    let started = app.start_instance(&caller, start()).await.unwrap();
    let mut config = voice("v2");
    config.volume = Some(401);
    config.asr.vad_level = Some(12);
    let mut settings = TemplateConfig::unset();
    settings.vad_level = Some(-7);
    let template = Template::new().with_voice(settings);
    let request = UpdateInstanceRequest::new(&started.instance_id, template.clone())
        .with_agent_config(config.clone());
    let error = app.update_instance(&caller, request).await.unwrap_err().to_string();
    let places = ["/agent_config/Volume: 401", "/agent_config/AsrConfig/VadLevel: 12"];
    for place in places.into_iter().chain(["/template_config/VoiceChat/VadLevel: -7"]) {
        assert!(error.contains(place), "{error}");
    }
    assert_eq!(record.count("update"), 0);
    // The same applies to starts.
    let (before, generated) = (record.count("start"), record.count("generate"));
    let call = generate().with_agent_config(config.clone());
    assert!(app.generate_call(&caller, call).await.is_err());
    assert!(app.start_instance(&caller, start().with_template_config(template)).await.is_err());
    let request = in_channel("c1").with_agent_config(config);
    assert!(app.start_instance_in_channel(&caller, request).await.is_err());
    assert_eq!((record.count("start"), record.count("generate")), (before, generated));
}

#[tokio::test]
async fn an_empty_update_is_refused() {
    let hand = Hand::new();
    let record = Record::default();
    let app = AppServer::new(record.clone(), tokens(&hand)).agent(AgentType::Voice, "agent-voice");
    let caller = Principal::new("a");
    let started = app.start_instance(&caller, start()).await.unwrap();
    let mut request = update(&started.instance_id);
    request.template_config = None;
    let error = app.update_instance(&caller, request).await.unwrap_err().to_string();
    assert_eq!(error, "/template_config: must be there");
    assert_eq!(record.count("update"), 0);
}

#[tokio::test]
async fn a_stopped_instance_can_be_stopped_again_but_not_updated() {
    let bench = Bench::new();
    for client in [&bench.a, &bench.old_a] {
        let id = bench.started().await.instance_id;
        for _ in 0..2 {
            client.stop_instance(&StopInstanceRequest::new(&id)).await.unwrap();
            let described = bench.a.describe_instance(&describe(&id)).await.unwrap();
            assert_eq!(described.status, Some(InstanceStatus::Finished));
        }
        let request = update(&id).with_agent_config(voice("v2"));
        let (http, code, error_code, _) = failure(bench.a.update_instance(&request).await);
        assert_eq!((http, code, &*error_code), (200, 404, "InstanceNotFound"));
        let error = bench.old_a.update_instance(&request).await.unwrap_err();
        assert!(error.to_string().contains("result: false"), "{error}");
    }
}

#[tokio::test]
async fn an_instance_that_was_never_started_is_not_found() {
    let bench = Bench::new();
    let none = (200, 404, String::from("InstanceNotFound"));
    let request = StopInstanceRequest::new("nobody's");
    assert_eq!(codes(bench.a.stop_instance(&request).await), none);
    assert_eq!(codes(bench.a.update_instance(&update("nobody's")).await), none);
    assert_eq!(codes(bench.a.describe_instance(&describe("nobody's")).await), none);
    let error = bench.old_a.stop_instance(&request).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 200);
}
