//! Neighbours are put together until a passage is long enough.

use std::ops::Range;

use replyx_llm::tokens;

use super::{Chunking, Unit, sentences};

/// One in so many units begins a passage once the one before is long enough.
const ONE_IN: u64 = 4;

/// A passage in the making.
pub(super) struct Pack {
    pub(super) range: Range<usize>,
    /// How long it is, tokens.
    length: usize,
    headings_only: bool,
    pub(super) header: Option<Range<usize>>,
    /// Its last unit, if that is made of sentences.
    last: Option<Range<usize>>,
}

impl Pack {
    pub(super) fn of(unit: Unit) -> Self {
        let last = unit.prose.then(|| unit.range.clone());
        Self {
            range: unit.range,
            length: unit.length,
            headings_only: unit.heading,
            header: unit.header,
            last,
        }
    }

    fn length_with(&self, text: &str, start: usize, length: usize) -> usize {
        self.length + tokens(&text[self.range.end..start]) + length
    }

    pub(super) fn takes(&self, text: &str, unit: &Unit, chunking: Chunking) -> bool {
        let together = self.length_with(text, unit.range.start, unit.length);
        if self.headings_only || self.length < chunking.shortest() {
            return together <= chunking.packed();
        }
        let ends =
            self.length >= chunking.ample() && unit.prose && begins(&text[unit.range.clone()]);
        together <= chunking.tokens && !ends
    }

    pub(super) fn take(&mut self, text: &str, unit: Unit) {
        self.length = self.length_with(text, unit.range.start, unit.length);
        self.range.end = unit.range.end;
        self.headings_only &= unit.heading;
        self.last = unit.prose.then_some(unit.range);
        self.header = self.header.take().or(unit.header);
    }
}

/// Does a passage like to begin with this? Told by the text alone, so that it is told alike after a
/// change elsewhere.
fn begins(text: &str) -> bool {
    // FNV-1a, which is the same in every version of the program.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash >> 32) % ONE_IN == 0
}

pub(super) fn join_short_tail(text: &str, packed: &mut Vec<Pack>, chunking: Chunking) {
    if let [.., before, last] = packed.as_mut_slice()
        && last.length < chunking.shortest()
        && before.length_with(text, last.range.start, last.length) <= chunking.packed()
    {
        before.length = before.length_with(text, last.range.start, last.length);
        before.range.end = last.range.end;
        before.last = last.last.take();
        packed.pop();
    }
}

/// Where each passage begins once it repeats the last sentences of the one before.
pub(super) fn begin_earlier(text: &str, packed: &[Pack], chunking: Chunking) -> Vec<usize> {
    let mut starts: Vec<usize> = packed.iter().map(|pack| pack.range.start).collect();
    for (place, pair) in packed.windows(2).enumerate() {
        let [before, pack] = pair else { continue };
        let Some(last) = before.last.clone().filter(|_| pack.header.is_none()) else { continue };
        let most = chunking.overlap.min(chunking.packed().saturating_sub(pack.length));
        for sentence in sentences::find(text, last).into_iter().rev() {
            let repeated = tokens(&text[sentence.start..pack.range.start]);
            if repeated > most || sentence.start <= before.range.start {
                break;
            }
            starts[place + 1] = sentence.start;
        }
    }
    starts
}
