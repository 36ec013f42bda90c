//! The control tags that an agent of AICall carries out, in the text of its language model.

/// What a reply means, without its tags.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    /// What the agent says.
    pub text: String,
    pub emotion: Option<String>,
    pub hangs_up: bool,
    /// The number that the call is transferred to.
    pub transfers_to: Option<String>,
}

/// Reads a reply. The platform's document shows attributes with and without quotes, separated by commas.
/// Text that only looks like a tag is spoken.
pub(super) fn read(reply: &str) -> Meaning {
    let mut meaning = Meaning::default();
    let mut rest = reply;
    // An emotion counts at the very start only.
    if let Some((value, behind)) =
        rest.strip_prefix("{{emotion=").and_then(|rest| rest.split_once("}}"))
    {
        meaning.emotion = Some(value.into());
        rest = behind;
    }
    while let Some((before, tag, behind)) = next(rest) {
        meaning.text.push_str(before);
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        match name {
            "hangup" => {
                meaning.text.push_str(&attribute(attributes, "endword").unwrap_or_default());
                meaning.hangs_up = true;
            }
            "transfer_call" => {
                meaning.text.push_str(&attribute(attributes, "msg").unwrap_or_default());
                meaning.transfers_to = attribute(attributes, "callee");
            }
            // A tag that the platform does not have is not spoken either.
            _ => {}
        }
        rest = behind;
    }
    meaning.text.push_str(rest);
    meaning
}

/// Returns the text before the next tag, the tag without its brackets, and the text behind it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (before, tag) = text.split_once("<imsagent_")?;
    // A quoted value may contain the end of a tag.
    let mut quoted = false;
    let end = tag.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '>' && !quoted
    });
    let (tag, behind) = tag.split_at_checked(end?.0)?;
    Some((before, tag.trim_end_matches('/').trim(), behind.strip_prefix('>')?))
}

/// Returns the value of an attribute.
fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes;
    loop {
        let (name, value) = rest.split_once('=')?;
        let name = name.trim_matches([',', ' ']);
        let (value, behind) = match value.trim_start().strip_prefix('"') {
            Some(value) => value.split_once('"').unwrap_or((value, "")),
            None => value.split_once(',').unwrap_or((value, "")),
        };
        if name == wanted {
            return Some(value.trim().into());
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Meaning {
        Meaning { text: text.into(), ..Meaning::default() }
    }

    #[test]
    fn a_hang_up_is_read_with_and_without_an_end_word() {
        let end = |text: &str| Meaning { hangs_up: true, ..said(text) };
        assert_eq!(read("Goodbye.<imsagent_hangup/>"), end("Goodbye."));
        assert_eq!(read("<imsagent_hangup endword=\"Good > bye.\"/>"), end("Good > bye."));
        assert_eq!(read("Well. <imsagent_hangup endword=Bye/>"), end("Well. Bye"));
    }

    #[test]
    fn a_transfer_is_read_with_and_without_quotes() {
        let to = Meaning { transfers_to: Some("10086".into()), ..said("One moment, please.") };
        let quoted = r#"<imsagent_transfer_call caller="400", callee="10086", err_msg="Busy.", msg="One moment, please."/>"#;
        assert_eq!(read(quoted), to);
        let bare =
            "One moment, please.<imsagent_transfer_call caller=400, callee=10086, err_msg=Busy/>";
        assert_eq!(read(bare), to);
    }

    #[test]
    fn an_emotion_counts_at_the_start_only() {
        let happy = Meaning { emotion: Some("happy".into()), ..said("Hello.") };
        assert_eq!(read("{{emotion=happy}}Hello."), happy);
        assert_eq!(read("Hello. {{emotion=sad}}"), said("Hello. {{emotion=sad}}"));
    }

    #[test]
    fn text_that_only_looks_like_a_tag_is_spoken() {
        for text in ["a < b", "<imsagent_hangup", "{{emotion=happy", "<b>"] {
            assert_eq!(read(text), said(text));
        }
    }
}
