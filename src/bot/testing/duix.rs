//! DUIX, as a test plays it: speech, and nothing else.

use futures_util::StreamExt;

use super::super::{Bot, Host, Native, Unmet};
use super::transcript::Step;
use super::{Act, CALLED, CALLER, options};
use crate::client::InMemory;
use crate::duix::dialogue::{Answer, Client, DialogueData, DialogueRequest, DialogueRequestFields};

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
        streams: bool,
    ) -> Result<Self, Unmet> {
        let router = host.duix()?.router();
        let client = Client::builder("http://bot").transport(InMemory::new(router));
        let client = super::built(client.options(options()).build());
        Ok(Self { client, conversation: conversation.into(), streams })
    }

    pub(super) async fn ask(&self, act: &Act, step: &Step) {
        // The others are not there.
        let Act::Say(words) = act else { return };
        let request = DialogueRequest::new(DialogueRequestFields {
            user_id: CALLER,
            avatar_code: CALLED,
            question: words,
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

/// What is more than text.
fn native(data: DialogueData) -> Option<Native> {
    let DialogueData { answer, intent, extra, .. } = data;
    if answer.operations.is_none() && intent.is_none() && extra.is_none() {
        return None;
    }
    let extra = extra.and_then(|extra| serde_json::from_str(&extra).ok());
    Some(Native::Duix(Answer { spoken: answer, intent, extra }))
}
