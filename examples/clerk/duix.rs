//! The clerk behind a digital human, which neither transfers nor hangs up.

use callbot::duix::dialogue::{Answer, Api, DialogueRequest, Reply};
use callbot::server::Error;

use super::{BALANCE, Clerk, PACE, Wish, story};

const HELP: &str = "You can ask for your balance, or for a story.";

impl Api for Clerk {
    async fn dialogue(&self, request: DialogueRequest) -> Result<Answer, Error> {
        Ok(match Wish::of(&request.question) {
            Wish::Balance => BALANCE.concat().into(),
            Wish::Story => story().collect::<String>().into(),
            Wish::Bye => "Goodbye.".into(),
            Wish::Crash => panic!("the user asked for it"),
            Wish::Help => Answer::text(HELP)
                .with_tip_phrases(["What is my balance?", "Tell me a story."])
                .with_text_shown(true)
                .with_intent("help"),
            _ => request.question.into(),
        })
    }

    async fn dialogue_stream(
        &self,
        request: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        match Wish::of(&request.question) {
            Wish::Balance => {
                for part in BALANCE {
                    reply.send(part).await?;
                }
            }
            Wish::Story => {
                let mut pace = tokio::time::interval(PACE);
                for sentence in story() {
                    pace.tick().await;
                    reply.send(sentence).await?;
                }
            }
            Wish::Bye => reply.finish("Goodbye.").await?,
            Wish::Crash => panic!("the user asked for it"),
            Wish::Help => reply.finish(HELP).await?,
            _ => reply.finish(request.question).await?,
        }
        Ok(())
    }
}
