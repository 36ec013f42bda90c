//! What an assistant says without its model.

/// What an assistant says without its model.
///
/// ```
/// use callbot::llm::Phrases;
///
/// let phrases = Phrases::chinese().with_goodbye("感谢来电，再见！");
/// assert_eq!(phrases.goodbye, "感谢来电，再见！");
/// assert_eq!(Phrases::default(), Phrases::english());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Phrases {
    /// What a silent caller hears: one text for each time in a row, the last one for all further times.
    pub still_there: Vec<String>,
    /// What the caller hears before a hang-up without other last words.
    pub goodbye: String,
    /// What the caller hears before a transfer that the model does not announce.
    pub transfer: String,
    /// The [apology](crate::bot::HostBuilder::apology) of [`Assistant::host`](super::Assistant::host).
    pub apology: String,
    /// The [filler](crate::bot::HostBuilder::filler) of [`Assistant::host`](super::Assistant::host).
    pub filler: String,
}

impl Phrases {
    /// Returns the phrases in English.
    #[must_use]
    pub fn english() -> Self {
        Self {
            still_there: ["Are you still there?", "I can't hear you. Are you still there?"]
                .map(Into::into)
                .into(),
            goodbye: "Goodbye!".into(),
            transfer: "I'm putting you through.".into(),
            apology: "I'm sorry, something went wrong. Please say that again.".into(),
            filler: "One moment. ".into(),
        }
    }

    /// Returns the phrases in Chinese.
    #[must_use]
    pub fn chinese() -> Self {
        Self {
            still_there: ["请问您还在吗？", "我听不到您的声音，请问您还在吗？"]
                .map(Into::into)
                .into(),
            goodbye: "再见！".into(),
            transfer: "正在为您转接。".into(),
            apology: "抱歉，出了点问题，请您再说一遍。".into(),
            filler: "请稍等。".into(),
        }
    }

    /// Sets [`still_there`](Self::still_there). Without a text, the caller hears `goodbye` the first time.
    #[must_use]
    pub fn with_still_there<T: Into<String>>(mut self, texts: impl IntoIterator<Item = T>) -> Self {
        self.still_there = texts.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`goodbye`](Self::goodbye).
    #[must_use]
    pub fn with_goodbye(mut self, text: impl Into<String>) -> Self {
        self.goodbye = text.into();
        self
    }

    /// Sets [`transfer`](Self::transfer).
    #[must_use]
    pub fn with_transfer(mut self, text: impl Into<String>) -> Self {
        self.transfer = text.into();
        self
    }

    /// Sets [`apology`](Self::apology).
    #[must_use]
    pub fn with_apology(mut self, text: impl Into<String>) -> Self {
        self.apology = text.into();
        self
    }

    /// Sets [`filler`](Self::filler). The answer follows directly, so end it with a space if the language has
    /// spaces. Empty means none.
    #[must_use]
    pub fn with_filler(mut self, text: impl Into<String>) -> Self {
        self.filler = text.into();
        self
    }
}

/// The phrases in English.
impl Default for Phrases {
    fn default() -> Self {
        Self::english()
    }
}

/// What an assistant does when the caller is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Silence {
    /// Asks whether the caller is still there, this many times in a row. The next time it says goodbye and
    /// hangs up, on platforms that can. The model is not asked.
    Ask(u32),
    /// Asks the model, which gets `[silence]` as the caller's input.
    Model,
}

/// Asks twice.
impl Default for Silence {
    fn default() -> Self {
        Self::Ask(2)
    }
}
