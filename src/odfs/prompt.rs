//! What an interaction plays, records or shows.

use std::fmt;

use super::{InteractOutParams, Language, PromptType, Tone};
use crate::wire::{Hidden, Report, Validate};

/// What an interaction plays, records or shows: `prompt_type` with the fields of `prompt_wav`,
/// `prompt_text` and `tone` that it requires.
///
/// `Debug` hides texts, because they may repeat what the caller said.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prompt<'a> {
    /// Play the file with this full path, which the media server can read (0).
    FileByPath(&'a str),
    /// Play the file with this name, whose path the IVR knows (1).
    FileByName(&'a str),
    /// Speak this text (2).
    Tts(&'a str),
    /// Show this text (3).
    Text(&'a str),
    /// Record the caller (4).
    Record {
        /// The full path of the file to record to.
        path: &'a str,
        /// Whether a tone is played before the recording starts.
        beep: bool,
    },
    /// Play the video with this full path (5).
    Video(&'a str),
    /// Show this multimedia content (6).
    Multimedia(&'a str),
    /// Show this card (7).
    Card(&'a str),
    /// A kind whose fields are not documented (8, 9, 10), or one that this version does not know.
    Other {
        /// The `prompt_type`.
        kind: &'a PromptType,
        /// The `prompt_wav`.
        file: Option<&'a str>,
        /// The `prompt_text`.
        text: Option<&'a str>,
    },
}

impl Prompt<'_> {
    /// Returns the `prompt_type` of this prompt.
    #[must_use]
    pub fn kind(self) -> PromptType {
        match self {
            Self::FileByPath(_) => PromptType::FileByPath,
            Self::FileByName(_) => PromptType::FileByName,
            Self::Tts(_) => PromptType::Tts,
            Self::Text(_) => PromptType::Text,
            Self::Record { .. } => PromptType::Record,
            Self::Video(_) => PromptType::Video,
            Self::Multimedia(_) => PromptType::Multimedia,
            Self::Card(_) => PromptType::Card,
            Self::Other { kind, .. } => kind.clone(),
        }
    }
}

impl fmt::Debug for Prompt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileByPath(file) | Self::FileByName(file) | Self::Video(file) => {
                write!(f, "{:?}({file:?})", self.kind())
            }
            Self::Tts(_) | Self::Text(_) | Self::Multimedia(_) | Self::Card(_) => {
                write!(f, "{:?}({Hidden:?})", self.kind())
            }
            Self::Record { path, beep } => {
                f.debug_struct("Record").field("path", path).field("beep", beep).finish()
            }
            Self::Other { kind, file, text } => f
                .debug_struct("Other")
                .field("kind", kind)
                .field("file", file)
                .field("text", &text.map(|_| Hidden))
                .finish(),
        }
    }
}

impl InteractOutParams {
    /// Returns the prompt.
    ///
    /// A missing text is empty, and a `tone` other than `true` means no tone. Fields that
    /// `prompt_type` does not require are ignored.
    #[must_use]
    pub fn prompt(&self) -> Prompt<'_> {
        let (wav, text) = (self.prompt_wav.as_deref(), self.prompt_text.as_deref());
        let (file, content) = (wav.unwrap_or_default(), text.unwrap_or_default());
        match &self.prompt_type {
            PromptType::FileByPath => Prompt::FileByPath(file),
            PromptType::FileByName => Prompt::FileByName(file),
            PromptType::Tts => Prompt::Tts(content),
            PromptType::Text => Prompt::Text(content),
            PromptType::Record => {
                let tone = self.tone.as_ref().map_or("", |tone| tone.as_str());
                Prompt::Record { path: file, beep: tone.eq_ignore_ascii_case("true") }
            }
            PromptType::Video => Prompt::Video(file),
            PromptType::Multimedia => Prompt::Multimedia(content),
            PromptType::Card => Prompt::Card(content),
            kind => Prompt::Other { kind, file: wav, text },
        }
    }

    /// Creates an interaction: sets `prompt_type`, and the fields of `prompt_wav`, `prompt_text` and
    /// `tone` that it requires.
    ///
    /// ```
    /// use callbot::odfs::{InteractOutParams, DtmfKeys, Language, ModelType, Prompt};
    ///
    /// let menu = Prompt::FileByName("menu");
    /// let menu = InteractOutParams::from_prompt("c-1", menu, Language::English)
    ///     .with_model_type(ModelType::keys(DtmfKeys::up_to(1)))
    ///     .with_timeout("10");
    /// assert_eq!(menu.prompt_wav.as_deref(), Some("menu"));
    /// ```
    #[must_use]
    pub fn from_prompt(call_id: impl Into<String>, prompt: Prompt<'_>, language: Language) -> Self {
        let params = Self::new(call_id, prompt.kind(), language);
        match prompt {
            Prompt::FileByPath(file) | Prompt::FileByName(file) | Prompt::Video(file) => {
                params.with_prompt_wav(file)
            }
            Prompt::Tts(text)
            | Prompt::Text(text)
            | Prompt::Multimedia(text)
            | Prompt::Card(text) => params.with_prompt_text(text),
            Prompt::Record { path, beep } => {
                params.with_prompt_wav(path).with_tone(if beep { Tone::Beep } else { Tone::Silent })
            }
            Prompt::Other { file, text, .. } => Self {
                prompt_wav: file.map(str::to_owned),
                prompt_text: text.map(str::to_owned),
                ..params
            },
        }
    }

    /// Checks what the conditions of the spec can't express: a file has a name, and the `tone` of a
    /// recording is `true` or `false`.
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        // A text that is not a match needs no check.
        if let Ok(Some(found)) = self.intent_match() {
            Validate::check(&found, &mut report.field("prompt_text"));
        }
        let kind = &self.prompt_type;
        let plays_file = matches!(
            self.prompt(),
            Prompt::FileByPath(_)
                | Prompt::FileByName(_)
                | Prompt::Record { .. }
                | Prompt::Video(_)
        );
        if plays_file && self.prompt_wav.as_deref() == Some("") {
            let allowed = format!("a file, as `prompt_type` is {kind}");
            report.field("prompt_wav").violation(Some("\"\"".into()), allowed);
        }
        if *kind == PromptType::Record
            && let Some(tone @ Tone::Unknown(_)) = &self.tone
        {
            let allowed = format!("\"true\" or \"false\", as `prompt_type` is {kind}");
            report.field("tone").violation(Some(format!("{:?}", tone.as_str())), allowed);
        }
    }
}
