//! Reads a body whole, within a limit, and names its encoding.

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;

use crate::wire::Printable;

/// Returns the encodings of a body, such as `gzip`; `None` if the body is sent as it is.
///
/// Servers and clients of this crate neither accept nor write any.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let values = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>();
    let named = values.iter().flat_map(|value| value.split(',')).map(str::trim_ascii);
    let named = named.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity"));
    let named = named.collect::<Vec<_>>().join(", ");
    (!named.is_empty()).then(|| Printable::cut(&named).to_string())
}

/// How many pieces a body may arrive in, however small they are.
const FREE_PIECES: usize = 1024;
/// How many bytes each further piece must add on average. No peer that means well sends less: a piece
/// is what one write of the peer put into the connection.
const BYTES_PER_PIECE: usize = 16;
/// The most memory that is reserved before any of the body has arrived.
const RESERVED: usize = 64 * 1024;

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum BodyError<E> {
    /// It is larger than the limit.
    TooLarge,
    /// It arrives in too many small pieces: reading them costs more than their bytes.
    Fragmented,
    /// The connection failed or ended too early.
    Failed(E),
}

/// Reads `body` whole, if it has at most `limit` bytes.
///
/// A peer decides how its body is cut into pieces, and each piece costs an allocation and a wake-up. So
/// pieces are copied together as they arrive, which keeps the memory within twice `limit`, and the
/// number of pieces is limited by the number of bytes, which keeps the time within what the bytes cost.
/// A body that announces too many bytes is refused before it is read: a peer that waits for
/// `100 Continue` then never sends it.
pub(crate) async fn read_body<B>(mut body: B, limit: usize) -> Result<Bytes, BodyError<B::Error>>
where
    B: BodyExt<Data = Bytes> + Unpin,
{
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(BodyError::TooLarge);
    }
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    let (mut pieces, mut bytes) = (0_usize, 0_usize);
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(BodyError::Failed)?.into_data() else { continue };
        pieces += 1;
        bytes = bytes.saturating_add(piece.len());
        if bytes > limit {
            return Err(BodyError::TooLarge);
        }
        if pieces > FREE_PIECES.saturating_add(bytes / BYTES_PER_PIECE) {
            return Err(BodyError::Fragmented);
        }
        if pieces == 1 {
            // Most bodies are one piece, and need no copy.
            first = piece;
            continue;
        }
        if pieces == 2 {
            whole.reserve(announced.min(RESERVED).max(first.len().saturating_add(piece.len())));
            whole.extend_from_slice(&std::mem::take(&mut first));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(if pieces > 1 { whole.freeze() } else { first })
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::Body;
    use futures_util::{FutureExt, StreamExt, stream};

    use super::*;

    const LIMIT: usize = 1024 * 1024;

    /// A piece of memory that counts how many of its kind are alive.
    struct Counted(Arc<AtomicUsize>, Vec<u8>);

    impl AsRef<[u8]> for Counted {
        fn as_ref(&self) -> &[u8] {
            &self.1
        }
    }

    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Reads a body of `pieces` pieces of `size` bytes. Returns the result, how many pieces were read, and
    /// how many were alive at the same time.
    fn read(pieces: usize, size: usize) -> (Result<Bytes, BodyError<axum::Error>>, usize, usize) {
        let (alive, most, read) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (living, peak, asked) = (alive.clone(), most.clone(), read.clone());
        let body = stream::iter(0..pieces).map(move |_| {
            asked.fetch_add(1, Ordering::SeqCst);
            peak.fetch_max(living.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let piece = Bytes::from_owner(Counted(living.clone(), vec![b'x'; size]));
            Ok::<_, io::Error>(piece)
        });
        let result =
            read_body(Body::from_stream(body), LIMIT).now_or_never().expect("nothing to wait for");
        (result, read.load(Ordering::SeqCst), most.load(Ordering::SeqCst))
    }

    #[test]
    fn a_body_of_any_number_of_pieces_is_read_whole() {
        for (pieces, size) in
            [(0, 0), (1, 3), (2, 3), (3, LIMIT / 3), (FREE_PIECES, 1), (LIMIT / 16, 16)]
        {
            let (result, ..) = read(pieces, size);
            assert_eq!(
                result.expect("within the limits"),
                vec![b'x'; pieces * size],
                "{pieces} x {size}"
            );
        }
    }

    #[test]
    fn pieces_are_not_kept_until_the_body_is_whole() {
        let (result, _, most) = read(LIMIT / 16, 16);
        assert!(result.is_ok());
        assert!(most <= 2, "{most} pieces were alive at the same time");
    }

    #[test]
    fn a_body_in_pieces_of_one_byte_is_refused_early() {
        let (result, read, _) = read(1_000_000, 1);
        assert!(matches!(result, Err(BodyError::Fragmented)));
        assert!(read <= FREE_PIECES + FREE_PIECES / 8, "{read} pieces were read");
    }

    #[test]
    fn empty_pieces_count_as_pieces() {
        let (result, read, _) = read(1_000_000, 0);
        assert!(matches!(result, Err(BodyError::Fragmented)));
        assert_eq!(read, FREE_PIECES + 1);
    }

    #[test]
    fn a_body_above_the_limit_is_refused() {
        let (result, ..) = read(2, LIMIT / 2 + 1);
        assert!(matches!(result, Err(BodyError::TooLarge)));
    }

    #[test]
    fn a_body_that_announces_too_much_is_refused_unread() {
        let body = Body::from(vec![0; LIMIT + 1]);
        let result = read_body(body, LIMIT).now_or_never().expect("nothing to wait for");
        assert!(matches!(result, Err(BodyError::TooLarge)));
    }
}
