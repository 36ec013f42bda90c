//! How a transfer and a hang-up are written.

use serde_json::{Map, Value};

use super::dialect::{ChatDialect, Does, Form, ToolForm};
use crate::bot::capabilities::TransferKind;
#[cfg(feature = "client")]
use crate::bot::controls::HangUp;
use crate::bot::controls::{Closing, Element, Transfer};
use crate::bot::error::ReplyError;

/// A control as the platform gets it.
#[derive(Debug, PartialEq)]
pub(super) enum Control {
    /// A text of its own.
    Tag(String),
    /// A call of a tool, with the arguments as JSON.
    Tool { name: String, arguments: String },
}

/// Returns the control for a closing; `None` if this request can't take it.
///
/// `function` is the function that an AICall agent maps to hanging up.
pub(super) fn control(
    closing: &Closing,
    dialect: ChatDialect,
    function: Option<&str>,
    offers: impl Fn(&str) -> bool,
) -> Option<Control> {
    let does = match closing {
        Closing::HangUp(_) => Does::HangUp,
        Closing::Transfer(transfer) => Does::Transfer(transfer.kind),
    };
    if let Some(tool) = dialect.tool(does, offers) {
        return Some(call(tool, closing));
    }
    if !dialect.traits().controls.contains(&Form::Tag) {
        return None;
    }
    match (closing, function) {
        (Closing::HangUp(_), Some(name)) => {
            Some(Control::Tool { name: name.to_owned(), arguments: "{}".into() })
        }
        (Closing::HangUp(_), None) => Some(Control::Tag(r#"<imsagent_hangup endword=""/>"#.into())),
        (Closing::Transfer(to), _) => Some(Control::Tag(transfer_tag(to))),
    }
}

/// AICall separates the attributes by commas.
fn transfer_tag(Transfer { to, shown_number, .. }: &Transfer) -> String {
    let callee = format!(r#"callee="{to}""#);
    let caller = shown_number.as_ref().map(|number| format!(r#"caller="{number}", "#));
    format!("<imsagent_transfer_call {}{callee}/>", caller.unwrap_or_default())
}

fn call(tool: &ToolForm, closing: &Closing) -> Control {
    let argument = match closing {
        Closing::Transfer(Transfer { to, .. }) if tool.numeric => {
            to.trim().parse::<u64>().ok().map(Value::from)
        }
        Closing::Transfer(Transfer { to, .. }) => Some(to.clone().into()),
        Closing::HangUp(how) => how.reason.clone().map(Value::from),
    };
    let argument = argument.filter(|_| !tool.argument.is_empty());
    let arguments: Map<_, _> =
        argument.map(|value| (tool.argument.to_owned(), value)).into_iter().collect();
    Control::Tool { name: tool.name.to_owned(), arguments: Value::Object(arguments).to_string() }
}

/// Returns what a call of a tool of the dialect does: the inverse of [`control`], for the tests of bots.
#[cfg(feature = "client")]
pub(in crate::bot) fn closing(
    dialect: ChatDialect,
    name: &str,
    arguments: &str,
) -> Option<Closing> {
    let tool = dialect.traits().controls.iter().find_map(|form| match form {
        Form::Tool(tool) if tool.name == name => Some(tool),
        _ => None,
    })?;
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    let argument = match arguments.get(tool.argument) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(value) => Some(value.to_string()),
        None => None,
    };
    Some(match tool.does {
        Does::HangUp => Closing::HangUp(HangUp { reason: argument, ..HangUp::new() }),
        Does::Transfer(kind) => {
            Closing::Transfer(Transfer::new(kind, argument.unwrap_or_default()))
        }
    })
}

/// Checks that AICall accepts this control. A value must not end its attribute or the tag.
pub(super) fn check_tags(element: &Element) -> Result<(), ReplyError> {
    let Element::Closing(Closing::Transfer(transfer)) = element else { return Ok(()) };
    check_data(transfer)?;
    let values = [("/to", Some(&transfer.to)), ("/shown_number", transfer.shown_number.as_ref())];
    for (pointer, value) in values {
        let breaks = |c: char| matches!(c, '"' | '\'' | '<' | '>' | ',') || c.is_control();
        if value.is_some_and(|value| value.contains(breaks)) {
            let allowed = "a number without quotes, commas, angle brackets and control characters";
            return Err(ReplyError::invalid(pointer, "[hidden]", allowed));
        }
    }
    Ok(())
}

/// Checks that the tools of a platform can express this control.
pub(super) fn check_tools(element: &Element) -> Result<(), ReplyError> {
    let Element::Closing(Closing::Transfer(transfer)) = element else { return Ok(()) };
    check_data(transfer)?;
    if transfer.shown_number.is_some() {
        let allowed = "none: the platform chooses it";
        return Err(ReplyError::invalid("/shown_number", "[hidden]", allowed));
    }
    if transfer.kind == TransferKind::Agent && transfer.to.trim().parse::<u64>().is_err() {
        let allowed = "the number of an agent in the list of the platform, from 0";
        return Err(ReplyError::invalid("/to", "[hidden]", allowed));
    }
    Ok(())
}

fn check_data(transfer: &Transfer) -> Result<(), ReplyError> {
    match transfer.data {
        Some(_) => {
            let allowed = "none: the platform does not support it";
            Err(ReplyError::invalid("/data", "[hidden]", allowed))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bot::controls::HangUp;

    fn tag(text: &str) -> Option<Control> {
        Some(Control::Tag(text.into()))
    }

    fn tool(name: &str, arguments: &str) -> Option<Control> {
        Some(Control::Tool { name: name.into(), arguments: arguments.into() })
    }

    #[test]
    fn a_closing_is_written_in_the_form_of_the_dialect() {
        let hang_up = || Closing::HangUp(HangUp::new().with_reason("do\"ne"));
        let number = || Closing::Transfer(Transfer::to_number("+4930"));
        let agent = || Closing::Transfer(Transfer::to_agent("2"));
        let shown = Closing::Transfer(Transfer::to_number("10086").with_shown_number("400"));
        for (closing, dialect, offered, expected) in [
            (hang_up(), ChatDialect::AiCall, "", tag("<imsagent_hangup endword=\"\"/>")),
            (number(), ChatDialect::AiCall, "", tag("<imsagent_transfer_call callee=\"+4930\"/>")),
            (
                shown,
                ChatDialect::AiCall,
                "",
                tag("<imsagent_transfer_call caller=\"400\", callee=\"10086\"/>"),
            ),
            (hang_up(), ChatDialect::Vapi, "endCall", tool("endCall", "{}")),
            (hang_up(), ChatDialect::Vapi, "end_call", None),
            (
                number(),
                ChatDialect::Vapi,
                "transferCall",
                tool("transferCall", r#"{"destination":"+4930"}"#),
            ),
            (
                hang_up(),
                ChatDialect::ElevenLabs,
                "end_call",
                tool("end_call", r#"{"reason":"do\"ne"}"#),
            ),
            (
                Closing::HangUp(HangUp::new()),
                ChatDialect::Plain,
                "end_call",
                tool("end_call", "{}"),
            ),
            (
                number(),
                ChatDialect::ElevenLabs,
                "transfer_to_number",
                tool("transfer_to_number", r#"{"transfer_number":"+4930"}"#),
            ),
            (
                agent(),
                ChatDialect::ElevenLabs,
                "transfer_to_agent",
                tool("transfer_to_agent", r#"{"agent_number":2}"#),
            ),
            (agent(), ChatDialect::ElevenLabs, "transfer_to_number", None),
            (hang_up(), ChatDialect::Plain, "endCall", tool("endCall", "{}")),
            (hang_up(), ChatDialect::Agora, "end_call", None),
        ] {
            let found = control(&closing, dialect, None, |name| name == offered);
            assert_eq!(found, expected, "{closing:?} in {dialect:?} with {offered:?}");
        }
        let mapped = control(&hang_up(), ChatDialect::AiCall, Some("bye"), |_| false);
        assert_eq!(mapped, tool("bye", "{}"));
        let tagged = control(&number(), ChatDialect::AiCall, Some("bye"), |_| false);
        assert_eq!(tagged, tag("<imsagent_transfer_call callee=\"+4930\"/>"));
    }

    #[test]
    fn a_value_can_not_break_out_of_its_tag_or_tool() {
        let refused = |check: fn(&Element) -> _, transfer: Transfer| {
            let element = Element::Closing(Closing::Transfer(transfer));
            match check(&element) {
                Err(ReplyError::Invalid(violations)) => Some(violations.to_string()),
                Err(other) => panic!("{other}"),
                Ok(()) => None,
            }
        };
        for number in ["1\"", "1'", "<1", "1/>", "1, caller=2", "1\n"] {
            let to = refused(check_tags, Transfer::to_number(number)).unwrap();
            assert!(to.starts_with("/to"), "{to}");
            let shown = Transfer::to_number("1").with_shown_number(number);
            assert!(refused(check_tags, shown).unwrap().starts_with("/shown_number"));
        }
        let shown = Transfer::to_number("+49 (30) 1").with_shown_number("400");
        assert_eq!(refused(check_tags, shown.clone()), None);
        assert!(refused(check_tools, shown).unwrap().starts_with("/shown_number"));
        assert_eq!(refused(check_tools, Transfer::to_number("\"<>,")), None);
        assert_eq!(refused(check_tools, Transfer::to_agent(" 0")), None);
        assert!(refused(check_tools, Transfer::to_agent("Ada")).unwrap().starts_with("/to"));
        for check in [check_tags, check_tools] {
            let data = Transfer::to_number("1").with_data("x");
            assert!(refused(check, data).unwrap().starts_with("/data"));
        }
    }
}
