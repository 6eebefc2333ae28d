//! Sentencepiece's unigram tokenizer: of all ways to cut a text into known pieces, the likeliest.

use std::{collections::HashMap, ops::Range};

/// What stands for a blank in pieces.
const BLANK: char = '\u{2581}';
/// How much less likely than the least likely piece an unknown character is.
const UNKNOWN_PENALTY: f32 = 10.0;

/// Cuts texts into pieces.
pub(crate) struct Tokenizer {
    /// The pieces, one behind the other.
    text: Vec<u8>,
    /// Where each piece begins; the last one is the end.
    offsets: Vec<u32>,
    scores: Vec<f32>,
    /// The ids of the pieces, in the order of their bytes; of equal pieces the first.
    sorted: Vec<u32>,
    /// Where those that begin with a byte stand in `sorted`; the last one is the end.
    firsts: Vec<usize>,
    normal: HashMap<char, Vec<char>>,
    begin: u32,
    end: u32,
    unknown: u32,
    unknown_score: f32,
}

impl Tokenizer {
    /// A tokenizer of the pieces `text[offsets[i]..offsets[i + 1]]`; `None` when they do not fit
    /// together.
    pub(crate) fn new(
        text: Vec<u8>,
        offsets: Vec<usize>,
        scores: Vec<f32>,
        normal: HashMap<char, Vec<char>>,
        [begin, end, unknown]: [u32; 3],
    ) -> Option<Self> {
        let offsets: Vec<u32> =
            offsets.into_iter().map(|offset| u32::try_from(offset).ok()).collect::<Option<_>>()?;

        let mut tokenizer = Self {
            text,
            offsets,
            sorted: Vec::new(),
            firsts: Vec::new(),
            normal,
            begin,
            end,
            unknown,
            unknown_score: scores.iter().copied().fold(f32::INFINITY, f32::min) - UNKNOWN_PENALTY,
            scores,
        };
        tokenizer.sort()?;
        Some(tokenizer)
    }

    /// Puts the pieces into the order of their bytes.
    fn sort(&mut self) -> Option<()> {
        // Most pieces differ in their first bytes, which are compared as one number.
        let mut keyed: Vec<(u64, u32)> = Vec::with_capacity(self.scores.len());
        for id in 0..u32::try_from(self.scores.len()).ok()? {
            let piece = self.piece(id)?;
            let mut head = [0; 8];
            let length = piece.len().min(head.len());
            head[..length].copy_from_slice(&piece[..length]);
            if !piece.is_empty() {
                keyed.push((u64::from_be_bytes(head), id));
            }
        }
        keyed.sort_unstable_by(|(head, id), (other_head, other)| {
            let by_bytes = || self.piece(*id).cmp(&self.piece(*other));
            head.cmp(other_head).then_with(by_bytes).then(id.cmp(other))
        });
        keyed.dedup_by(|(_, later), (_, first)| self.piece(*later) == self.piece(*first));

        self.sorted = keyed.into_iter().map(|(_, id)| id).collect();
        self.firsts = (0..=u8::MAX)
            .map(|byte| self.sorted.partition_point(|id| self.byte(*id, 0) < Some(byte)))
            .chain([self.sorted.len()])
            .collect();
        Some(())
    }

    fn piece(&self, id: u32) -> Option<&[u8]> {
        let at = usize::try_from(id).ok()?;
        let begin = *self.offsets.get(at)?;
        let end = *self.offsets.get(at + 1)?;
        self.text.get(usize::try_from(begin).ok()?..usize::try_from(end).ok()?)
    }

    fn byte(&self, id: u32, at: usize) -> Option<u8> {
        self.piece(id)?.get(at).copied()
    }

    /// The pieces that begin with a byte.
    fn beginning(&self, byte: u8) -> Range<usize> {
        self.firsts[usize::from(byte)]..self.firsts[usize::from(byte) + 1]
    }

    /// Of pieces that share their first `length` bytes, those that go on with this one.
    fn going_on(&self, pieces: Range<usize>, length: usize, byte: u8) -> Range<usize> {
        let some = &self.sorted[pieces.clone()];
        let before = some.partition_point(|id| self.byte(*id, length) < Some(byte));
        let with = some[before..].partition_point(|id| self.byte(*id, length) == Some(byte));
        pieces.start + before..pieces.start + before + with
    }

    /// Of pieces that share their first `length` bytes, the one that has no more, and how likely it
    /// is.
    fn whole(&self, pieces: &Range<usize>, length: usize) -> Option<(u32, f32)> {
        let id = *self.sorted[pieces.clone()].first()?;
        if id == self.unknown || self.piece(id)?.len() != length {
            return None;
        }
        Some((id, self.scores[usize::try_from(id).ok()?]))
    }

    /// The pieces of a text between the marks of its begin and end, at most `most` with them. The
    /// second value says whether something was cut off.
    pub(crate) fn encode(&self, text: &str, most: usize) -> (Vec<u32>, bool) {
        let text = self.normalized(text);
        let bytes = text.as_bytes();
        let mut bounds: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        bounds.push(bytes.len());
        let last = bounds.len() - 1;
        // The best way to each place: how likely, by which piece, from where.
        let mut best = vec![(f32::NEG_INFINITY, 0_u32, 0_usize); last + 1];
        best[0].0 = 0.0;
        for from in 0..last {
            let so_far = best[from].0;
            let mut pieces = self.beginning(bytes[bounds[from]]);
            let mut length = 1;
            for to in from + 1..=last {
                while length < bounds[to] - bounds[from] && !pieces.is_empty() {
                    pieces = self.going_on(pieces, length, bytes[bounds[from] + length]);
                    length += 1;
                }
                if pieces.is_empty() {
                    break;
                }
                if let Some((id, score)) = self.whole(&pieces, length)
                    && so_far + score > best[to].0
                {
                    best[to] = (so_far + score, id, from);
                }
            }
            let unknown = so_far + self.unknown_score;
            if unknown > best[from + 1].0 {
                best[from + 1] = (unknown, self.unknown, from);
            }
        }
        let mut ids = Vec::new();
        let mut at = last;
        while at > 0 {
            ids.push(best[at].1);
            at = best[at].2;
        }
        ids.reverse();
        let room = most.saturating_sub(2);
        let cut = ids.len() > room;
        ids.truncate(room);
        ids.insert(0, self.begin);
        ids.push(self.end);
        (ids, cut)
    }

    /// The text in the form pieces are written in.
    fn normalized(&self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len() + 3);
        let mut blank = true;
        plain.push(BLANK);
        let chars = text.chars().flat_map(|c| {
            let rule = self.normal.get(&c).map(Vec::as_slice);
            rule.map_or_else(|| vec![c], <[char]>::to_vec)
        });
        for c in chars {
            if c != ' ' {
                plain.push(c);
                blank = false;
            } else if !blank {
                plain.push(BLANK);
                blank = true;
            }
        }
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Tokenizer {
        let pieces = ["<s>", "</s>", "<unk>", "▁", "▁do", "g", "▁dog", "s", "▁d", "o"];
        let scores = vec![0.0, 0.0, 0.0, -3.0, -4.0, -5.0, -5.0, -2.0, -6.0, -6.0];
        let text: Vec<u8> = pieces.concat().into_bytes();
        let mut offsets = vec![0];
        for piece in pieces {
            offsets.push(offsets.last().unwrap() + piece.len());
        }
        let normal = HashMap::from([('Ｄ', vec!['d']), ('\t', vec![' '])]);
        Tokenizer::new(text, offsets, scores, normal, [0, 1, 2]).unwrap()
    }

    #[test]
    fn the_likeliest_pieces_win() {
        let tokenizer = given();
        assert_eq!(tokenizer.encode("dogs", 10), (vec![0, 6, 7, 1], false));
        assert_eq!(tokenizer.encode("Ｄog \t dog", 10), (vec![0, 6, 6, 1], false));
        assert_eq!(tokenizer.encode("dox", 10), (vec![0, 4, 2, 1], false));
        assert_eq!(tokenizer.encode("", 10).0, [0, 3, 1]);
    }

    #[test]
    fn a_long_text_is_cut_between_its_marks() {
        assert_eq!(given().encode("dog dog dog", 4), (vec![0, 6, 6, 1], true));
    }
}
