//! Formulas in LaTeX, and escapes of Markdown.

use super::Markdown;
use crate::text::speakable::cursor::{Cursor, Look};

/// Commands, and the symbols that they print.
const SYMBOLS: &[(&str, &str)] = &[
    ("times", " × "),
    ("cdot", " × "),
    ("div", " ÷ "),
    ("pm", " ± "),
    ("leq", " ≤ "),
    ("le", " ≤ "),
    ("geq", " ≥ "),
    ("ge", " ≥ "),
    ("neq", " ≠ "),
    ("ne", " ≠ "),
    ("approx", " ≈ "),
    ("to", " → "),
    ("rightarrow", " → "),
    ("pi", "π"),
    ("alpha", "α"),
    ("beta", "β"),
    ("theta", "θ"),
    ("lambda", "λ"),
    ("mu", "μ"),
    ("sigma", "σ"),
    ("Delta", "Δ"),
    ("infty", "∞"),
    ("degree", "°"),
    ("circ", "°"),
    ("ldots", "…"),
    ("dots", "…"),
    ("quad", " "),
    ("left", ""),
    ("right", ""),
];
/// Commands whose argument is printed as text.
const TEXT: &[&str] = &["text", "mathrm", "mathbf", "textbf", "textit", "emph", "boxed"];

impl Markdown {
    pub(super) fn backslash(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        match end.peek()? {
            // The marks of a formula.
            Some('(' | ')' | '[' | ']') => {
                end.next()?;
            }
            // Spaces of a formula, and the end of a line.
            Some(',' | ';' | '\n') if self.math => {
                end.next()?;
                self.plain.space(' ', out);
            }
            None | Some('\n') => {}
            Some(c) if c.is_ascii_punctuation() => {
                end.next()?;
                self.plain.push(c, out);
            }
            Some(c) if c.is_ascii_alphabetic() => return self.command(ahead, end, out),
            _ => return Ok(false),
        }
        *ahead = end;
        Ok(true)
    }

    fn command<'t>(
        &mut self,
        ahead: &mut Cursor<'t>,
        mut end: Cursor<'t>,
        out: &mut String,
    ) -> Look<bool> {
        let name = end.run(|c| c.is_ascii_alphabetic())?;
        if let Some((_, symbol)) = SYMBOLS.iter().find(|(known, _)| *known == name) {
            // Its white space and that of the formula become one.
            self.plain.remove(false);
            self.plain.text(symbol, out);
            self.plain.remove(false);
        } else if TEXT.contains(&name) {
            let Some(text) = argument(&mut end)? else { return Ok(false) };
            self.plain.text(text, out);
        } else if matches!(name, "frac" | "dfrac" | "tfrac") {
            let Some(above) = argument(&mut end)? else { return Ok(false) };
            let Some(below) = argument(&mut end)? else { return Ok(false) };
            let text = match self.plain.is_chinese() {
                true => format!("{below}分之{above}"),
                false => format!("{above} over {below}"),
            };
            self.plain.text(&text, out);
        } else if name == "sqrt" {
            let Some(text) = argument(&mut end)? else { return Ok(false) };
            let text = match self.plain.is_chinese() {
                true => format!("根号{text}"),
                false => format!("the square root of {text}"),
            };
            self.plain.text(&text, out);
        } else {
            return Ok(false);
        }
        *ahead = end;
        Ok(true)
    }

    /// Reads a dollar sign, which may mark a formula.
    pub(super) fn dollar(&mut self, ahead: &mut Cursor<'_>) -> Look<bool> {
        let mut end = *ahead;
        end.next()?;
        let double = end.eat('$')?;
        let opens = end.sees(|c| c.is_ascii_alphabetic() || c == '\\' || c == '(' || c == '{')?;
        let opens = opens && self.before.is_none_or(|c| !c.is_ascii_alphanumeric());
        if !double && !self.math && !opens {
            return Ok(false);
        }
        self.math = !self.math;
        *ahead = end;
        Ok(true)
    }
}

/// Reads an argument in braces, without braces of its own.
fn argument<'t>(ahead: &mut Cursor<'t>) -> Look<Option<&'t str>> {
    if !ahead.eat('{')? {
        return Ok(None);
    }
    let text = ahead.run(|c| !"{}\\\n".contains(c))?;
    Ok((text.len() <= 100 && ahead.eat('}')?).then_some(text))
}
