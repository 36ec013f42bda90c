//! The demo bot: a bank clerk that always answers the same.

use std::time::Duration;

use callbot::digital_employee::{
    AbortDialogueRequest, Api, BeginSessionRequest, DialogueRequest, Event, GatherDtmf, HangUp,
    Input, Reply, Terminator, Transfer, TransferType, Voice,
};
use callbot::server::{Error, Turns};

/// A bank clerk.
#[derive(Debug, Default)]
pub(crate) struct Clerk {
    turns: Turns,
}

impl Api for Clerk {
    async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
        let barge_in = Voice::new().with_interruptible(true).with_silence_detection_timeout(5);
        Ok(reply
            .finish(Event::text("Welcome to the bank. How can I help you?").with(barge_in))
            .await?)
    }

    async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        let turn = self.turns.start(&request.session_id, &request.stream_id);
        tokio::select! {
            spoken = answer(request.input(), reply) => spoken,
            () = turn.aborted() => Ok(()),
        }
    }

    async fn abort_dialogue(&self, request: AbortDialogueRequest) -> Result<(), Error> {
        self.turns.abort(&request.session_id, &request.stream_id).await;
        Ok(())
    }
}

async fn answer(input: Input<'_>, reply: &mut Reply) -> Result<(), Error> {
    let utterance = match input {
        Input::Speech(utterance) => utterance,
        Input::Keys(digits) => {
            let digits: Vec<_> = digits.chars().map(String::from).collect();
            return Ok(reply.send(format!("You pressed {}.", digits.join(", "))).await?);
        }
        _ => return Ok(reply.send("Are you still there? How can I help you?").await?),
    };
    let says = |word: &str| {
        let mut words = utterance.split(|c: char| !c.is_alphanumeric());
        words.any(|said| said.eq_ignore_ascii_case(word))
    };
    if says("balance") {
        for part in ["Your balance ", "is 1234 euros ", "and 56 cents."] {
            reply.send(part).await?;
        }
    } else if says("agent") {
        reply.send("One moment, I am putting you through.").await?;
        reply.send(Transfer::new(TransferType::SkillGroup, "skg-1234")).await?;
    } else if says("pin") {
        let keys = GatherDtmf::new(Terminator::Hash, 4, 5);
        reply.send(Event::text("Please enter the four digits of your PIN.").with(keys)).await?;
    } else if says("story") {
        tell_a_story(reply).await?;
    } else if says("bye") {
        reply.send(Event::text("Goodbye.").with(HangUp::new().with_delay(1))).await?;
    } else if says("crash") {
        panic!("the caller asked for it");
    } else {
        reply.send(utterance).await?;
    }
    Ok(())
}

/// Speaks for more than six seconds, a packet each 200 ms.
async fn tell_a_story(reply: &mut Reply) -> Result<(), Error> {
    let mut pace = tokio::time::interval(Duration::from_millis(200));
    for coin in 1..=32 {
        pace.tick().await;
        let sentence = match coin {
            1 => "Once upon a time there was a coin. ".to_owned(),
            32 => "And they lived in the vault ever after.".to_owned(),
            coin => format!("Then came coin number {coin}. "),
        };
        reply.send(sentence).await?;
    }
    Ok(())
}
