//! The clerk behind an IVR.

use callbot::odfs::{
    Action, Api, Call, Input, InteractOutParams, Interacted, Keys, Language, ModelType, Prompt,
    Route, Start, TransferResult, Transferred,
};
use callbot::server::Error;

use super::{BALANCE, Clerk, Wish, story};

impl Api for Clerk {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        Ok(listen(call, "Welcome to the bank. How can I help you?").into())
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        Ok(match request.inparams.meaning() {
            Input::Text(utterance) => answer(call, utterance),
            Input::Keys(digits) => {
                let digits: Vec<_> = digits.chars().map(String::from).collect();
                listen(call, &format!("You pressed {}.", digits.join(", "))).into()
            }
            // This clerk knows no store where the text of a recognition would be.
            Input::NoMatch | Input::Recognition(_) => {
                listen(call, "I did not understand that. Please say it again.").into()
            }
            _ => listen(call, "Are you still there? How can I help you?").into(),
        })
    }

    async fn transferred(&self, call: &Call, request: Transferred) -> Result<Action, Error> {
        Ok(match request.inparams.trans_result {
            TransferResult::Success => call.release().into(),
            _ => listen(call, "Nobody is free just now. How can I help you?").into(),
        })
    }
}

fn answer(call: &Call, utterance: &str) -> Action {
    match Wish::of(utterance) {
        Wish::Balance => listen(call, &BALANCE.concat()).into(),
        Wish::Story => listen(call, &story().collect::<String>()).into(),
        Wish::Agent => call.transfer(Route::SkillQueueByName("skg-1234")).into(),
        Wish::Pin => {
            let keys = Keys::up_to(4).hash_confirms();
            let prompt = Prompt::Tts("Please enter the four digits of your PIN.");
            call.interact(prompt, Language::English)
                .with_model_type(ModelType::keys(keys))
                .with_timeout("10")
                .into()
        }
        Wish::Bye => call.release().into(),
        Wish::Crash => panic!("the caller asked for it"),
        Wish::Help | Wish::Other => listen(call, utterance).into(),
    }
}

/// Says something, and then takes speech or up to 12 keys; both may cut in.
fn listen(call: &Call, text: &str) -> InteractOutParams {
    let keys = Keys::up_to(12).hash_confirms();
    call.interact(Prompt::Tts(text), Language::English)
        .with_model_type(ModelType::speech_and_keys(keys))
        .with_timeout("5")
}
