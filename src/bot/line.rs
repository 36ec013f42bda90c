//! From the task of a turn to whoever answers the platform: what was said, as packets.

use std::fmt;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::reply::{Last, Put};
use super::store::Lease;
use super::{
    Budget, CallKey, Capabilities, Cause, Control, Dropped, Entry, Error, Gather, GatherLimits,
    Input, Limits, Mount, Native, ReplyError, TurnId, Voice,
};

/// A piece of a reply, on its way to the platform.
#[derive(Debug, Clone, Default)]
pub(super) struct Packet {
    /// What is new in the text.
    pub text: String,
    /// Only in the first one.
    pub voice: Option<Voice>,
    pub gather: Option<Gather>,
    pub native: Option<Box<Native>>,
    /// What follows the text; only in the last one.
    pub end: Option<Last>,
    pub last: bool,
    /// What follows the text is asked for once that has been played.
    pub to_be_continued: bool,
}

/// How a reply ended.
#[derive(Debug)]
enum End {
    /// All of it is in the packets.
    Whole,
    /// What has not left by now never will.
    Cut,
    /// The first reader gets the error, others one that says no more.
    Failed(Option<Error>),
}

/// The reply of a running turn: the bot's end and the platform's.
///
/// Packets are kept until the turn is over, so that a request that is made again gets the same
/// answer. The bot waits until the fastest reader has taken what there is; when the last reader goes,
/// the turn is cut.
pub(super) struct Line {
    call: CallKey,
    turn: TurnId,
    mount: Arc<Mount>,
    most: usize,
    arrived: Instant,
    /// For all of the reply.
    whole: Option<Duration>,
    /// For the first packet.
    first: Option<Duration>,
    /// Whether it is that of the begin of a call.
    begins: bool,
    state: Mutex<State>,
    /// A reader has taken a packet, or the reply has been cut: for the bot.
    taken: Notify,
    /// There is a packet, or the end: for the readers.
    news: Notify,
    /// The task has ended.
    done: Notify,
}

#[derive(Default)]
struct State {
    packets: Vec<Packet>,
    /// What has been said since the last packet.
    text: String,
    /// All that the bot has said.
    said: String,
    voice: Option<Voice>,
    /// Whether this reply has to tell the voice.
    tell_voice: bool,
    gather: Option<Gather>,
    native: Option<Box<Native>>,
    last: Option<Last>,
    /// Whether a bot is at work, which fills packets.
    speaking: bool,
    /// The bot only lets others run.
    yielding: bool,
    filler: Option<String>,
    filled: Option<String>,
    readers: Vec<Option<usize>>,
    /// The fastest reader's place.
    read: usize,
    cause: Option<Cause>,
    /// The turn can't be cut any more.
    committed: bool,
    end: Option<End>,
    holds: usize,
    held_until: Option<Instant>,
    released: bool,
    driver: Option<Waker>,
    lease: Option<Lease>,
    over: bool,
    unheard: bool,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("turn", &self.turn).finish_non_exhaustive()
    }
}

/// What was said in a turn, for the history.
pub(super) struct Spoken {
    pub said: String,
    pub filler: Option<String>,
    pub voice: Option<Voice>,
    pub gather: Option<Gather>,
    pub last: Option<Last>,
}

impl Line {
    pub(super) fn new(
        call: CallKey,
        turn: TurnId,
        mount: Arc<Mount>,
        limits: &Limits,
        arrived: Instant,
        begins: bool,
    ) -> Self {
        let filler = mount.filler.clone().filter(|_| mount.capabilities.filler && !begins);
        let Budget { begin, first_packet, whole, .. } = mount.budget;
        let (first, whole) = if begins { (None, begin.or(whole)) } else { (first_packet, whole) };
        let state = State { filler, ..State::default() };
        Self {
            call,
            turn,
            mount,
            most: limits.reply,
            arrived,
            whole,
            first,
            begins,
            state: Mutex::new(state),
            taken: Notify::new(),
            news: Notify::new(),
            done: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic under this lock leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn call(&self) -> &CallKey {
        &self.call
    }

    pub(super) fn turn(&self) -> &TurnId {
        &self.turn
    }

    pub(super) fn mount(&self) -> &Mount {
        &self.mount
    }

    fn notice(&self, what: Dropped) {
        self.mount.notice(&self.call, what);
    }

    /// Whether what was said in time is the reply, if the bot is late.
    pub(super) fn greets(&self) -> bool {
        self.begins
    }

    /// When the first packet must have left, and when all of the reply.
    pub(super) fn deadlines(&self) -> [Option<Instant>; 2] {
        [self.first, self.whole].map(|time| self.arrived.checked_add(time?))
    }

    /// When a filler goes out, if one is wanted.
    pub(super) fn filler_at(&self) -> Option<Instant> {
        self.state().filler.as_ref()?;
        self.arrived.checked_add(self.mount.budget.filler()?)
    }

    // The bot's end.

    /// Waits until the line has taken what was said before, and lets other tasks run now and then.
    pub(super) async fn ready(&self) -> Result<(), ReplyError> {
        {
            let _yielding = Yielding::new(self);
            // A bot that only ever says something must be stopped, too: first this, then the answer.
            tokio::task::coop::consume_budget().await;
        }
        loop {
            let mut taken = pin!(self.taken.notified());
            taken.as_mut().enable();
            {
                let state = self.state();
                state.open()?;
                if state.read >= state.packets.len() || !self.mount.capabilities.streams {
                    return Ok(());
                }
            }
            taken.await;
        }
    }

    pub(super) fn open(&self) -> Result<(), ReplyError> {
        match self.cause() {
            Some(cause) => Err(ReplyError::Over(cause)),
            None => Ok(()),
        }
    }

    pub(super) fn say(&self, text: &str) -> Result<(), ReplyError> {
        let mut state = self.state();
        state.unfinished()?;
        let bytes = state.said.len() + text.len();
        if bytes > self.most {
            return Err(ReplyError::TooLong { bytes, most: self.most });
        }
        state.text.push_str(text);
        state.said.push_str(text);
        Ok(())
    }

    /// Words that no platform asked for.
    pub(super) fn unheard(&self) {
        let first = !mem::replace(&mut self.state().unheard, true);
        if first {
            self.notice(Dropped::Greeting);
        }
    }

    pub(super) fn put(&self, mut put: Put, muted: bool) -> Result<(), ReplyError> {
        let control = put.control();
        let can = &self.mount.capabilities;
        let lossy = self.mount.lossy.contains(&control);
        let supported = match &mut put {
            Put::Voice(voice) => {
                let possible = voice.possible(&can.voice);
                let all = possible == *voice && can.voice.any();
                if !all && lossy && can.voice.any() {
                    // What is left of it is worth having.
                    *voice = possible;
                    self.notice(Dropped::Control(control));
                    true
                } else {
                    all
                }
            }
            Put::Gather(_) => can.gather.is_some(),
            Put::Native(_) => can.native,
            Put::Last(Last::Transfer(transfer)) => can.transfer.contains(transfer.kind),
            Put::Last(Last::HangUp(_)) => can.hang_up,
        };
        let mut state = self.state();
        state.unfinished()?;
        if !supported {
            if !lossy {
                return Err(ReplyError::Unsupported(control, self.mount.platform));
            }
            drop(state);
            self.notice(Dropped::Control(control));
            return Ok(());
        }
        within(&put, can)?;
        self.mount.check(&put)?;
        let left = !state.packets.is_empty();
        let late = match control {
            Control::Gather => left && !can.late_gather,
            Control::Voice => left,
            _ => false,
        };
        if late {
            return Err(ReplyError::Late(control));
        }
        if muted {
            drop(state);
            self.unheard();
            return Ok(());
        }
        match put {
            Put::Voice(voice) => {
                state.voice = Some(voice.over(state.voice.take()));
                state.tell_voice = true;
            }
            Put::Gather(gather) => state.gather = Some(gather),
            Put::Native(native) => state.native = Some(native),
            Put::Last(last) => {
                let reason = matches!(&last, Last::HangUp(how) if how.reason.is_some());
                state.last = Some(last);
                // An answer that ends the bot's part has no room for keys there.
                let keys = self.mount.splits && state.gather.take().is_some();
                drop(state);
                if reason && !self.mount.hang_up_reason {
                    self.notice(Dropped::HangUpReason);
                }
                if keys {
                    self.notice(Dropped::Control(Control::Gather));
                }
            }
        }
        Ok(())
    }

    pub(super) fn left(&self) -> Option<Duration> {
        let time = match self.first {
            Some(_) if self.has_left() => return None,
            Some(time) => time,
            None => self.whole?,
        };
        Some(time.saturating_sub(self.arrived.elapsed()))
    }

    pub(super) fn no_filler(&self) {
        self.state().filler = None;
    }

    // The runtime's end.

    /// The voice that was set before.
    pub(super) fn set_voice(&self, voice: Option<Voice>) {
        let mut state = self.state();
        state.tell_voice = voice.is_some();
        state.voice = voice;
    }

    /// A bot is at work from now on, or no more.
    pub(super) fn speaking(&self, on: bool) {
        self.state().speaking = on;
    }

    /// What was said in a hook that failed is not said.
    pub(super) fn forget_unsent(&self) {
        let mut state = self.state();
        let unsent = state.text.len();
        let kept = state.said.len().saturating_sub(unsent);
        state.said.truncate(kept);
        state.text.clear();
        state.gather = None;
        state.native = None;
        state.last = None;
    }

    /// The voice that the platform was told with the first packet.
    pub(super) fn told_voice(&self) -> Option<Voice> {
        self.state().packets.first().and_then(|packet| packet.voice.clone())
    }

    /// The bot waits for something: what it has said goes out.
    pub(super) fn waits(&self) {
        /// So much of a first packet goes out also when the bot only lets others run.
        const MUCH: usize = 1024;
        let state = self.state();
        let together = state.yielding && state.packets.is_empty() && state.text.len() < MUCH;
        if state.speaking && !together {
            self.send(state);
        }
    }

    /// What was said so far goes out.
    pub(super) fn flush(&self) {
        self.send(self.state());
    }

    fn send(&self, mut state: MutexGuard<'_, State>) {
        // Controls alone wait for text.
        let may = self.mount.capabilities.streams && !state.committed && state.end.is_none();
        if !may || state.text.is_empty() {
            return;
        }
        let packet = state.packet(false);
        state.packets.push(packet);
        drop(state);
        self.news.notify_waiters();
    }

    /// Sends the filler, unless something was said meanwhile.
    pub(super) fn fill(&self) {
        let mut state = self.state();
        let spoke = !state.packets.is_empty() || !state.text.is_empty();
        if spoke || state.committed || state.end.is_some() {
            return;
        }
        let Some(filler) = state.filler.take() else { return };
        state.filled = Some(filler.clone());
        let mut packet = state.packet(false);
        packet.text = filler;
        state.packets.push(packet);
        drop(state);
        self.news.notify_waiters();
    }

    pub(super) fn has_left(&self) -> bool {
        !self.state().packets.is_empty()
    }

    pub(super) fn has_spoken(&self) -> bool {
        let state = self.state();
        !state.packets.is_empty() || !state.text.is_empty()
    }

    pub(super) fn set_lease(&self, lease: Option<Lease>) {
        self.state().lease = lease;
    }

    pub(super) fn lease(&self) -> Option<Lease> {
        self.state().lease.clone()
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        self.state().cause
    }

    /// Cuts the reply: its readers get no more, and the task of the turn ends, unless it holds or has
    /// ended well. Returns whether this was what cut it.
    pub(super) fn cut(&self, cause: Cause) -> bool {
        self.stop(cause, End::Cut)
    }

    /// The time is up, and the platform gets its failure answer.
    pub(super) fn time_is_up(&self) -> bool {
        let fault = crate::server::Fault::deadline();
        self.stop(Cause::Deadline, End::Failed(Some(Error::from(fault))))
    }

    /// The time is up: what was said by then is the reply.
    pub(super) fn ends_here(&self) -> bool {
        let mut state = self.state();
        if !state.text.is_empty() && state.end.is_none() && !state.committed {
            let packet = state.packet(false);
            state.packets.push(packet);
        }
        drop(state);
        let cut = self.stop(Cause::Deadline, End::Whole);
        if cut {
            self.notice(Dropped::RestOfGreeting);
        }
        cut
    }

    fn stop(&self, cause: Cause, end: End) -> bool {
        let mut state = self.state();
        if state.cause.is_some() || state.end.is_some() {
            return false;
        }
        if state.committed {
            // It is being kept. A platform that has heard nothing must not wait for that.
            if state.packets.is_empty() && matches!(end, End::Failed(_)) {
                state.end = Some(end);
                drop(state);
                self.news.notify_waiters();
            }
            return false;
        }
        state.cause = Some(cause);
        state.end = Some(end);
        let driver = state.driver.take();
        drop(state);
        self.news.notify_waiters();
        self.taken.notify_waiters();
        if let Some(driver) = driver {
            driver.wake();
        }
        true
    }

    /// The turn ends well, and can't be cut from here on. `Err` when it has been cut.
    pub(super) fn commit(&self) -> Result<(), Cause> {
        let mut state = self.state();
        if let Some(cause) = state.cause {
            return Err(cause);
        }
        state.committed = true;
        Ok(())
    }

    /// The turn ended well, but that could not be kept.
    pub(super) fn uncommit(&self) {
        self.state().committed = false;
    }

    /// The turn ended well, but its call had been given to another one.
    pub(super) fn lost(&self, cause: Cause) {
        self.state().committed = false;
        self.cut(cause);
    }

    /// What was said, once nothing is said any more.
    pub(super) fn spoken(&self) -> Spoken {
        let state = self.state();
        Spoken {
            said: state.said.clone(),
            filler: state.filled.clone(),
            voice: state.voice.clone(),
            gather: state.gather.clone(),
            last: state.last.clone(),
        }
    }

    /// The last packet, and the end.
    pub(super) fn end(&self, to_be_continued: bool) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        let mut packet = state.packet(true);
        packet.to_be_continued = to_be_continued;
        if to_be_continued {
            packet.end = None;
        }
        state.packets.push(packet);
        state.end = Some(End::Whole);
        drop(state);
        self.news.notify_waiters();
    }

    /// An answer that was made before.
    pub(super) fn answer(&self, packet: Packet) {
        let mut state = self.state();
        if state.end.is_none() {
            state.packets.push(Packet { last: true, ..packet });
            state.end = Some(End::Whole);
        }
        drop(state);
        self.news.notify_waiters();
    }

    /// The turn failed. What was said before has been said.
    pub(super) fn fail(&self, error: Error) {
        self.flush();
        let mut state = self.state();
        if state.end.is_none() {
            state.end = Some(End::Failed(Some(error)));
        }
        drop(state);
        self.news.notify_waiters();
    }

    /// The part of a cut reply that left: of all packets that a reader has taken.
    pub(super) fn sent(&self, input: Option<Input>) -> Entry {
        let state = self.state();
        let mut entry = Entry::new(self.turn.clone(), input);
        // After a cut, readers get no more than they have.
        let cut = matches!(state.end, Some(End::Cut));
        let left = if cut { state.read } else { state.packets.len() };
        let mut texts = state.packets.iter().take(left).map(|packet| packet.text.as_str());
        if state.filled.is_some() {
            entry.filler = texts.next().map(str::to_owned);
        }
        entry.said = texts.collect();
        entry
    }

    /// The part of a reply that failed: all that was said, where it went out as it was said.
    pub(super) fn said(&self, input: Option<Input>) -> Entry {
        let spoken = self.spoken();
        let streams = self.mount.capabilities.streams;
        let said = if streams { spoken.said } else { String::new() };
        Entry { said, filler: spoken.filler, ..Entry::new(self.turn.clone(), input) }
    }

    /// Registers the task of the turn, and returns whether it may go on.
    pub(super) fn drive(&self, waker: &Waker) -> Drive {
        let mut state = self.state();
        if !state.driver.as_ref().is_some_and(|known| known.will_wake(waker)) {
            state.driver = Some(waker.clone());
        }
        let released = mem::take(&mut state.released) && state.holds == 0;
        if state.cause.is_none() {
            return if released { Drive::Release } else { Drive::On };
        }
        match state.held_until {
            Some(until) if state.holds > 0 && Instant::now() < until => Drive::HeldUntil(until),
            _ => Drive::Stop,
        }
    }

    /// Nothing of the task is left.
    pub(super) fn done(&self) {
        self.state().over = true;
        self.done.notify_waiters();
        // For readers of a turn that ended in no way that it knows.
        self.fail(Error::from(crate::server::Fault::internal()));
    }

    /// Waits until the task has ended.
    pub(super) async fn ended(&self) {
        loop {
            let mut done = pin!(self.done.notified());
            done.as_mut().enable();
            if self.state().over {
                return;
            }
            done.await;
        }
    }

    /// Whether a request for the same turn can share its answer.
    pub(super) fn read(self: &Arc<Self>) -> Option<Reader> {
        let mut state = self.state();
        if state.cause.is_some() {
            return None;
        }
        let place = state.readers.len();
        state.readers.push(Some(0));
        Some(Reader { line: self.clone(), place, at: 0 })
    }
}

/// Whether values are within what the platform can do.
fn within(put: &Put, can: &Capabilities) -> Result<(), ReplyError> {
    const DELAY: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(10));
    match put {
        Put::Voice(voice) => match (voice.silence_timeout, can.voice.silence_timeout) {
            (Some(time), Some(allowed)) => seconds("/silence_timeout", time, allowed),
            _ => Ok(()),
        },
        Put::Gather(gather) => {
            let Some(GatherLimits { digits: (least, most), timeout }) = can.gather else {
                return Ok(());
            };
            if !(least..=most).contains(&gather.digits) {
                let allowed = format!("{least} to {most}");
                return Err(ReplyError::invalid("/digits", gather.digits, &allowed));
            }
            gather.timeout.map_or(Ok(()), |time| seconds("/timeout", time, timeout))
        }
        Put::Last(Last::HangUp(how)) => seconds("/delay", how.delay, DELAY),
        Put::Last(Last::Transfer(_)) | Put::Native(_) => Ok(()),
    }
}

/// Whether this is a whole number of seconds, within these bounds.
fn seconds(
    pointer: &str,
    time: Duration,
    (least, most): (Duration, Duration),
) -> Result<(), ReplyError> {
    if time.subsec_nanos() == 0 && (least..=most).contains(&time) {
        return Ok(());
    }
    let allowed = format!("{} to {} whole seconds", least.as_secs(), most.as_secs());
    Err(ReplyError::invalid(pointer, format!("{time:?}"), &allowed))
}

/// What the task of a turn has to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Drive {
    On,
    /// The bot holds no more.
    Release,
    /// The reply has been cut, and the bot holds.
    HeldUntil(Instant),
    Stop,
}

impl State {
    fn open(&self) -> Result<(), ReplyError> {
        self.cause.map_or(Ok(()), |cause| Err(ReplyError::Over(cause)))
    }

    fn unfinished(&self) -> Result<(), ReplyError> {
        self.open()?;
        if self.last.is_some() { Err(ReplyError::Finished) } else { Ok(()) }
    }

    /// What has been said since the last packet, with what goes into the first one.
    fn packet(&mut self, last: bool) -> Packet {
        let first = self.packets.is_empty();
        Packet {
            text: mem::take(&mut self.text),
            voice: self.voice.clone().filter(|_| first && self.tell_voice),
            gather: self.gather.clone().filter(|_| first),
            native: self.native.clone().filter(|_| last),
            end: self.last.clone().filter(|_| last),
            last,
            to_be_continued: false,
        }
    }
}

/// The platform's end of a reply. Dropped before the end, it cuts the reply.
#[derive(Debug)]
pub(super) struct Reader {
    line: Arc<Line>,
    place: usize,
    at: usize,
}

impl Reader {
    /// The next packet; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Packet>, Error> {
        loop {
            let mut news = pin!(self.line.news.notified());
            news.as_mut().enable();
            {
                let mut state = self.line.state();
                let cut = matches!(state.end, Some(End::Cut));
                if !cut && let Some(packet) = state.packets.get(self.at).cloned() {
                    self.at += 1;
                    let at = self.at;
                    if let Some(place) = state.readers.get_mut(self.place) {
                        *place = Some(at);
                    }
                    state.read = state.read.max(at);
                    drop(state);
                    self.line.taken.notify_waiters();
                    return Ok(Some(packet));
                }
                match &mut state.end {
                    None => {}
                    Some(End::Whole | End::Cut) => return Ok(None),
                    Some(End::Failed(error)) => {
                        let internal = || Error::from(crate::server::Fault::internal());
                        return Err(error.take().unwrap_or_else(internal));
                    }
                }
            }
            news.await;
        }
    }

    /// The whole reply, for a platform that takes it in one piece.
    pub(super) async fn whole(mut self) -> Result<Option<Packet>, Error> {
        let mut whole: Option<Packet> = None;
        while let Some(packet) = self.next().await? {
            whole = Some(match whole {
                None => packet,
                Some(mut whole) => {
                    whole.text.push_str(&packet.text);
                    whole.gather = packet.gather.or(whole.gather);
                    whole.native = packet.native.or(whole.native);
                    whole.end = packet.end.or(whole.end);
                    whole
                }
            });
        }
        if self.line.cause() == Some(Cause::CallOver) {
            // An empty answer would be taken for one.
            return Err(Error::public("the call is over").status(503));
        }
        Ok(whole)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.line.state();
        if let Some(place) = state.readers.get_mut(self.place) {
            *place = None;
        }
        let gone = state.readers.iter().all(Option::is_none) && state.end.is_none();
        drop(state);
        if gone {
            // A server that keeps the same deadline drops the reader when that has passed.
            let late = self.line.whole.is_some_and(|whole| self.line.arrived.elapsed() >= whole);
            self.line.cut(if late { Cause::Deadline } else { Cause::PeerGone });
        }
    }
}

/// Far from where the clock ends.
const LONGEST_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// The bot only lets others run, as long as this lives.
struct Yielding<'a>(&'a Line);

impl<'a> Yielding<'a> {
    fn new(line: &'a Line) -> Self {
        line.state().yielding = true;
        Self(line)
    }
}

impl Drop for Yielding<'_> {
    fn drop(&mut self) {
        self.0.state().yielding = false;
    }
}

/// While this lives, the turn goes on; see [`Call::hold`](super::Call::hold).
#[derive(Debug)]
#[must_use = "the hold ends when this is dropped"]
pub struct Hold(Option<Arc<Line>>);

impl Hold {
    pub(super) fn of_nothing() -> Self {
        Self(None)
    }

    pub(super) fn of(line: &Arc<Line>, time: Duration) -> Result<Self, ReplyError> {
        let mut state = line.state();
        state.open()?;
        state.holds += 1;
        state.released = false;
        state.held_until = Instant::now().checked_add(time.min(LONGEST_HOLD));
        drop(state);
        Ok(Self(Some(line.clone())))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let Some(line) = &self.0 else { return };
        let mut state = line.state();
        state.holds = state.holds.saturating_sub(1);
        if state.holds > 0 {
            return;
        }
        state.released = true;
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}
