//! Times of the day.

use super::number::{ends, is_digit};
use crate::text::speakable::cursor::{Cursor, Look};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock<'t> {
    pub(super) hour: &'t str,
    pub(super) minute: Option<&'t str>,
    pub(super) second: Option<&'t str>,
    pub(super) half: Option<Half>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Am,
    Pm,
}

/// Reads a time, or a range of times.
pub(super) fn clocks<'t>(ahead: &mut Cursor<'t>) -> Look<Option<(Clock<'t>, Option<Clock<'t>>)>> {
    let mut end = *ahead;
    let Some(from) = clock(&mut end)? else { return Ok(None) };
    let mut next = end;
    let spaced = next.eat(' ')?;
    let dash = next.eat_if(|c| "-–—~～".contains(c))?.is_some() && (!spaced || next.eat(' ')?);
    let to = if dash { clock(&mut next)? } else { None };
    // Of "9-5pm", only the end shows that these are times.
    let is_time = |clock: &Clock<'_>| clock.minute.is_some() || clock.half.is_some();
    if let Some(to) = to
        && is_time(&to)
        && ends(&next)?
    {
        *ahead = next;
        return Ok(Some((from, Some(to))));
    }
    if !is_time(&from) || dash && to.is_some() || !ends(&end)? {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some((from, None)))
}

/// Reads the time of a date: what follows may be its time zone.
pub(super) fn clock_of_date<'t>(ahead: &mut Cursor<'t>) -> Look<Option<Clock<'t>>> {
    Ok(clock(ahead)?.filter(|clock| clock.minute.is_some()))
}

fn clock<'t>(ahead: &mut Cursor<'t>) -> Look<Option<Clock<'t>>> {
    let mut end = *ahead;
    let hour = end.run(is_digit)?;
    if !matches!(hour.len(), 1 | 2) || hour.parse::<u8>().is_ok_and(|hour| hour > 24) {
        return Ok(None);
    }
    let minute = sixtieth(&mut end)?;
    let second = if minute.is_some() { sixtieth(&mut end)? } else { None };
    let half = half(&mut end)?;
    if half.is_some() && hour.parse::<u8>().is_ok_and(|hour| !(1..=12).contains(&hour)) {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(Clock { hour, minute, second, half }))
}

/// Reads a colon and two digits.
fn sixtieth<'t>(ahead: &mut Cursor<'t>) -> Look<Option<&'t str>> {
    let mut end = *ahead;
    if end.eat_if(|c| c == ':' || c == '：')?.is_none() {
        return Ok(None);
    }
    let digits = end.run(is_digit)?;
    if digits.len() != 2 || !digits.parse::<u8>().is_ok_and(|number| number < 60) {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(digits))
}

/// Reads "am", "PM", "a.m." and the like.
fn half(ahead: &mut Cursor<'_>) -> Look<Option<Half>> {
    let mut end = *ahead;
    end.eat(' ')?;
    let half = match end.next()? {
        Some('a' | 'A') => Half::Am,
        Some('p' | 'P') => Half::Pm,
        _ => return Ok(None),
    };
    let dotted = end.eat('.')?;
    if end.eat_if(|c| c == 'm' || c == 'M')?.is_none() {
        return Ok(None);
    }
    if dotted {
        let mut dot = end;
        // The dot may end the sentence, too.
        if dot.eat('.')? && !ends_sentence(&dot)? {
            end = dot;
        }
    }
    if end.sees(|c| c.is_ascii_alphanumeric())? {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(half))
}

/// Returns whether a dot before this place ends its sentence.
pub(super) fn ends_sentence(ahead: &Cursor<'_>) -> Look<bool> {
    let mut ahead = *ahead;
    let spaces = ahead.run(|c| c == ' ')?;
    Ok(match ahead.peek()? {
        None | Some('\n') => true,
        Some(c) => !spaces.is_empty() && c.is_uppercase(),
    })
}
