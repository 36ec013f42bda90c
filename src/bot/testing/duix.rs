//! Plays DUIX in a test: speech only.

use futures_util::StreamExt;

use super::act::{Act, CALLED, CALLER, built, options};
use super::transcript::Step;
use crate::bot::capabilities::Platform;
use crate::bot::controls::Native;
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::needs::NeedsError;
use crate::client::InMemoryTransport;
use crate::duix::dialogue::{Answer, Client, DialogueData, DialogueRequest, DialogueRequestFields};
use crate::wire::decode;

#[derive(Clone)]
pub(super) struct Duix {
    client: Client,
    conversation: String,
    streams: bool,
}

impl Duix {
    pub(super) fn new<B: Bot>(
        host: &Host<B>,
        conversation: &str,
        platform: Platform,
    ) -> Result<Self, NeedsError> {
        let router = host.duix()?.router();
        let client = Client::builder("http://bot").transport(InMemoryTransport::new(router));
        let client = built(client.options(options()).build());
        let streams = platform.capabilities().streams;
        Ok(Self { client, conversation: conversation.into(), streams })
    }

    pub(super) async fn ask(&self, act: &Act, step: &Step) {
        // `act` has excluded the others.
        let Act::Say(text) = act else { return };
        let request = DialogueRequest::new(DialogueRequestFields {
            user_id: CALLER,
            avatar_code: CALLED,
            question: text,
            conversation_id: &self.conversation,
        });
        if self.streams {
            self.stream(&request, step).await
        } else {
            self.one(&request, step).await
        }
    }

    async fn one(&self, request: &DialogueRequest, step: &Step) {
        let data = match self.client.dialogue(request).await {
            Ok(answer) => answer.into_inner().data,
            Err(error) => return step.fail(error),
        };
        let Some(data) = data else { return step.fail("the answer has no data") };
        step.packet(&data.answer.text.clone(), |record| {
            record.native = native(data);
            record.native.is_some()
        });
    }

    async fn stream(&self, request: &DialogueRequest, step: &Step) {
        let mut deltas = match self.client.dialogue_stream(request).await {
            Ok(deltas) => deltas,
            Err(error) => return step.fail(error),
        };
        while let Some(delta) = deltas.next().await {
            match delta {
                Ok(delta) => step.packet(&delta.text, |_| false),
                Err(error) => step.fail(error),
            }
        }
    }
}

/// Returns what an answer has beside its text.
fn native(data: DialogueData) -> Option<Native> {
    let DialogueData { answer, intent, extra, .. } = data;
    if answer.operations.is_none() && intent.is_none() && extra.is_none() {
        return None;
    }
    let extra = extra.and_then(|extra| decode(extra.as_bytes()).ok());
    Some(Native::Duix(Answer { spoken: answer, intent, extra }))
}
