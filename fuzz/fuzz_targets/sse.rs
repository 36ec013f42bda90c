//! Fuzzes the decoder of event streams: it yields the same events however the stream is cut into chunks.
#![no_main]

use callbot::sse::Decoder;
use libfuzzer_sys::fuzz_target;

fn events<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<(String, Vec<u8>, String)> {
    let mut decoder = Decoder::new(64);
    let mut events = Vec::new();
    for mut chunk in chunks {
        loop {
            match decoder.next(&mut chunk) {
                Ok(Some(event)) => events.push((
                    event.event_type().to_owned(),
                    event.data().to_owned(),
                    event.id().to_owned(),
                )),
                Ok(None) => break,
                Err(_) => return events,
            }
        }
    }
    events
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let size = usize::from(size).max(1);
    assert_eq!(events(std::iter::once(stream)), events(stream.chunks(size)));
});
