//! Every file of `tests/fixtures/aicall`: read, written back, with parts missing and with wrong parts.

use super::*;

fn every_sample_keeps_the_rules() {
    fn check<T: DeserializeOwned + Validate>(name: &str) {
        let value: T = decode_value(&sample(name)).unwrap();
        assert_eq!(value.validate(), Ok(()), "{name}");
    }
    check::<AgentConfig>("agent-config-default");
    check::<AgentConfig>("agent-config-joined");
    check::<AgentConfig>("agent-config-full");
    check::<VcrConfig>("vcr-config");
    check::<VcrResult>("vcr-result");
    check::<VcrResult>("vcr-result-full");
    check::<Template>("template-default");
    check::<Template>("template-message");
    check::<Template>("template-full");
    check::<CallConfig>("call-config");
    check::<ChatSyncConfig>("chat-sync");
    check::<ShareConfig>("share");
    check::<ShareConfig>("share-full");
    check::<AgentInfo>("agent-info");
    check::<Message<AgentMessage>>("user-subtitle");
    check::<Message<ClientMessage>>("send-text");
    check::<VisionCaptureRequest>("vision-capture");
}
