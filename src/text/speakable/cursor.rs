//! Looks ahead in a text of which the end has not arrived yet.

/// More text is needed to decide. Characters for which the function returns true do not decide.
#[derive(Debug, Clone, Copy)]
pub(super) struct More(fn(char) -> bool);

/// What is found in the text ahead.
pub(super) type Look<T> = Result<T, More>;

/// A place in the text ahead.
///
/// A rule that looks past the text that has arrived gets [`More`], and passes it on. It is asked again when
/// more text is there. So what a rule finds never depends on how the text was cut into pieces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// No text follows, as far as the rules may look.
    over: bool,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str, over: bool) -> Self {
        Self { text, at: 0, over }
    }

    /// Returns how many bytes precede this place.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Returns the text from `start` to this place.
    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Returns the place that is `bytes` further.
    pub(super) fn after(&self, bytes: usize) -> Self {
        Self { at: floor(self.text, self.at + bytes), ..*self }
    }

    /// Returns whether this is the end of what the rules may look at.
    pub(super) fn is_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Returns the next character, if it has arrived.
    pub(super) fn available(&self) -> Option<char> {
        count(1);
        self.text.get(self.at..)?.chars().next()
    }

    /// Returns the next character. `None` at the end of the text.
    pub(super) fn peek(&self) -> Look<Option<char>> {
        match self.available() {
            None if !self.over => Err(More(|_| false)),
            c => Ok(c),
        }
    }

    /// Returns whether the next character is one for which `is` returns true.
    pub(super) fn sees(&self, is: impl Fn(char) -> bool) -> Look<bool> {
        Ok(self.peek()?.is_some_and(is))
    }

    /// Passes the next character.
    pub(super) fn next(&mut self) -> Look<Option<char>> {
        let c = self.peek()?;
        self.at += c.map_or(0, char::len_utf8);
        Ok(c)
    }

    /// Passes the next character if `is` returns true for it.
    pub(super) fn eat_if(&mut self, is: impl Fn(char) -> bool) -> Look<Option<char>> {
        let c = self.peek()?.filter(|c| is(*c));
        self.at += c.map_or(0, char::len_utf8);
        Ok(c)
    }

    /// Passes `expected` if it is next.
    pub(super) fn eat(&mut self, expected: char) -> Look<bool> {
        Ok(self.eat_if(|c| c == expected)?.is_some())
    }

    /// Passes this text if it is next.
    pub(super) fn eat_str(&mut self, expected: &str) -> Look<bool> {
        let mut ahead = *self;
        for c in expected.chars() {
            if !ahead.eat(c)? {
                return Ok(false);
            }
        }
        *self = ahead;
        Ok(true)
    }

    /// Passes this text if it is next, in upper or lower case.
    pub(super) fn eat_word(&mut self, expected: &str) -> Look<bool> {
        let mut ahead = *self;
        for expected in expected.chars() {
            if ahead.eat_if(|c| c.eq_ignore_ascii_case(&expected))?.is_none() {
                return Ok(false);
            }
        }
        *self = ahead;
        Ok(true)
    }

    /// Passes the characters for which `is` returns true.
    pub(super) fn run(&mut self, is: fn(char) -> bool) -> Look<&'t str> {
        let run = self.available_run(is);
        if self.text.len() == self.at && !self.over { Err(More(is)) } else { Ok(run) }
    }

    /// Passes the characters for which `is` returns true, as far as they have arrived.
    pub(super) fn available_run(&mut self, is: impl Fn(char) -> bool) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let run = rest.split_at(rest.find(|c| !is(c)).unwrap_or(rest.len())).0;
        count(run.chars().count());
        self.at += run.len();
        run
    }
}

/// A text of which the first part has been rewritten.
#[derive(Clone)]
pub(super) struct Window {
    text: String,
    /// The start of the waiting text.
    start: usize,
    /// The next rules need a character for which this returns false. The text up to the place has none.
    waits: Option<(More, usize)>,
    /// How far the rules may look, in bytes.
    limit: usize,
}

impl Window {
    pub(super) fn new(limit: usize) -> Self {
        Self { text: String::new(), start: 0, waits: None, limit }
    }

    pub(super) fn push(&mut self, piece: &str) {
        self.text.push_str(piece);
    }

    /// Returns the length of the waiting text, in bytes.
    pub(super) fn waiting(&self) -> usize {
        self.text.len() - self.start
    }

    /// Calls `step` with the waiting text, until it needs more. `step` returns how much of it is done.
    ///
    /// `step` sees at most as much text as the limit of this window, and is told that the text is over there.
    pub(super) fn advance(&mut self, over: bool, mut step: impl FnMut(Cursor<'_>) -> Look<usize>) {
        loop {
            let rest = self.text.get(self.start..).unwrap_or_default();
            let full = rest.len() >= self.limit;
            if let Some((More(goes_on), seen)) = self.waits.take() {
                let new = rest.get(seen..).unwrap_or_default();
                if !over && !full && new.chars().all(goes_on) {
                    self.waits = Some((More(goes_on), rest.len()));
                    break;
                }
            }
            let view = rest.get(..floor(rest, self.limit)).unwrap_or_default();
            let Some(first) = view.chars().next() else { break };
            match step(Cursor::new(view, over || full)) {
                // A step that does nothing would be repeated for ever.
                Ok(done) => self.start += done.max(first.len_utf8()),
                Err(more) => {
                    self.waits = Some((more, rest.len()));
                    break;
                }
            }
        }
        // The remaining text is moved only when it is shorter than what is done.
        if self.start > self.text.len() / 2 {
            self.text.drain(..self.start);
            self.start = 0;
        }
    }
}

/// Returns the last boundary between characters that is not after `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
thread_local! {
    /// How many characters have been examined, repetitions included.
    pub(super) static EXAMINED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Counts characters that are examined.
fn count(_chars: usize) {
    #[cfg(test)]
    EXAMINED.set(EXAMINED.get() + _chars);
}
