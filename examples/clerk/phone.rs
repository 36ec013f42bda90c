//! The clerk on the phone.

use callbot::digital_employee::{
    AbortDialogueRequest, Api, BeginSessionRequest, DialogueRequest, Event, GatherDtmf, HangUp,
    Input, Reply, Terminator, Transfer, TransferType, Voice,
};
use callbot::server::Error;

use super::{BALANCE, Clerk, PACE, Wish, story};

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
    match Wish::of(utterance) {
        Wish::Balance => {
            for part in BALANCE {
                reply.send(part).await?;
            }
        }
        Wish::Agent => {
            reply.send("One moment, I am putting you through.").await?;
            reply.send(Transfer::new(TransferType::SkillGroup, "skg-1234")).await?;
        }
        Wish::Pin => {
            let keys = GatherDtmf::new(Terminator::Hash, 4, 5);
            reply.send(Event::text("Please enter the four digits of your PIN.").with(keys)).await?;
        }
        Wish::Story => {
            let mut pace = tokio::time::interval(PACE);
            for sentence in story() {
                pace.tick().await;
                reply.send(sentence).await?;
            }
        }
        Wish::Bye => reply.send(Event::text("Goodbye.").with(HangUp::new().with_delay(1))).await?,
        Wish::Crash => panic!("the caller asked for it"),
        Wish::Help | Wish::Other => reply.send(utterance).await?,
    }
    Ok(())
}
