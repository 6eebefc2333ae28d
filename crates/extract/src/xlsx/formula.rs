//! Formulas whose result is not in the file: sums, products and what they are made of.

use std::collections::{HashMap, HashSet};

/// Formulas longer than this are not calculated, bytes.
const LONGEST: usize = 500;
/// Brackets inside one another.
const DEEPEST: usize = 20;
/// Formulas that need one another are calculated in so many rounds.
const ROUNDS: usize = 8;
/// A sheet's formulas are calculated up to this number.
const MOST: usize = 20_000;
/// Cells of an area that is summed up.
const LARGEST_AREA: u32 = 100_000;
/// Cells of all areas together.
const MOST_SUMMED: u32 = 5_000_000;

/// A row and a column, from 0.
pub(super) type Place = (u32, u32);

/// `AB12` as a row and a column; dollar signs say nothing about the place.
pub(super) fn place(name: &str) -> Option<Place> {
    let name = name.replace('$', "");
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (column, row) = name.split_at(letters);
    if !(1..=3).contains(&letters) {
        return None;
    }
    let column = column.bytes().fold(0_u32, |column, letter| {
        column * 26 + u32::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    let row: u32 = row.parse().ok().filter(|row| (1..=1_048_576).contains(row))?;
    (column <= 16_384).then_some((row - 1, column - 1))
}

/// The numbers of a sheet.
#[derive(Default)]
pub(super) struct Cells {
    numbers: HashMap<Place, f64>,
}

impl Cells {
    /// Notes a number.
    pub(super) fn set(&mut self, place: Place, number: f64) {
        self.numbers.insert(place, number);
    }

    /// The number of a cell.
    pub(super) fn get(&self, place: Place) -> Option<f64> {
        self.numbers.get(&place).copied()
    }

    /// Calculates what can be calculated; a formula may need another one's result.
    pub(super) fn calculate(&mut self, formulas: &[(Place, String)]) {
        let mut open: HashSet<Place> = formulas.iter().map(|(place, _)| *place).collect();
        let mut left = MOST_SUMMED;
        for _ in 0..ROUNDS {
            let before = open.len();
            for (place, text) in formulas.iter().take(MOST) {
                if !open.contains(place) {
                    continue;
                }
                let mut reading =
                    Reading { text, at: 0, depth: 0, cells: self, open: &open, left: &mut left };
                if let Some(number) = reading.whole().filter(|number| number.is_finite()) {
                    self.numbers.insert(*place, number);
                    open.remove(place);
                }
            }
            if open.is_empty() || open.len() == before {
                return;
            }
        }
    }
}

/// A formula while it is read.
struct Reading<'f> {
    text: &'f str,
    at: usize,
    depth: usize,
    cells: &'f Cells,
    /// Cells whose formulas have no result yet.
    open: &'f HashSet<Place>,
    left: &'f mut u32,
}

impl<'f> Reading<'f> {
    fn whole(&mut self) -> Option<f64> {
        if self.text.len() > LONGEST {
            return None;
        }
        let number = self.sum()?;
        (self.rest().is_empty()).then_some(number)
    }

    fn rest(&mut self) -> &'f str {
        let rest = &self.text[self.at..];
        let bare = rest.trim_start();
        self.at += rest.len() - bare.len();
        bare
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        found
    }

    fn sum(&mut self) -> Option<f64> {
        let mut sum = self.product()?;
        loop {
            if self.take('+') {
                sum += self.product()?;
            } else if self.take('-') {
                sum -= self.product()?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut product = self.single()?;
        loop {
            if self.take('*') {
                product *= self.single()?;
            } else if self.take('/') {
                product /= self.single()?;
            } else {
                return Some(product);
            }
        }
    }

    fn single(&mut self) -> Option<f64> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut number = if self.take('-') {
            -self.single()?
        } else if self.take('(') {
            let inner = self.sum()?;
            self.take(')').then_some(inner)?
        } else {
            self.word()?
        };
        while self.take('%') {
            number /= 100.0;
        }
        self.depth -= 1;
        Some(number)
    }

    /// A number, a cell, or a function of cells.
    fn word(&mut self) -> Option<f64> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '$'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        self.at += end;
        if let Ok(number) = word.parse() {
            return Some(number);
        }
        if self.take('(') {
            let values = self.values()?;
            return of_function(&word.to_uppercase(), &values);
        }
        self.cell(place(word)?)
    }

    /// The values between a function's brackets.
    fn values(&mut self) -> Option<Vec<f64>> {
        let mut values = Vec::new();
        loop {
            let from = self.at;
            if let Some(area) = self.area() {
                values.extend(area);
            } else {
                self.at = from;
                values.push(self.sum()?);
            }
            if self.take(')') {
                return Some(values);
            }
            if !self.take(',') && !self.take(';') {
                return None;
            }
        }
    }

    /// The numbers of `A1:B9`.
    fn area(&mut self) -> Option<Vec<f64>> {
        let rest = self.rest();
        let end = rest.find([',', ';', ')'])?;
        let (from, to) = rest[..end].trim().split_once(':')?;
        let from = place(from)?;
        let to = place(to)?;
        let rows = to.0.checked_sub(from.0)?.saturating_add(1);
        let columns = to.1.checked_sub(from.1)?.saturating_add(1);
        let size = rows.checked_mul(columns).filter(|size| *size <= LARGEST_AREA)?;
        *self.left = self.left.checked_sub(size)?;
        self.at += end;

        let mut values = Vec::new();
        for row in from.0..=to.0 {
            for column in from.1..=to.1 {
                if self.open.contains(&(row, column)) {
                    return None;
                }
                values.extend(self.cells.get((row, column)));
            }
        }
        Some(values)
    }

    /// The number of a cell. One of words, or whose formula has no result yet, has none.
    fn cell(&self, place: Place) -> Option<f64> {
        if self.open.contains(&place) { None } else { self.cells.get(place) }
    }
}

fn of_function(name: &str, values: &[f64]) -> Option<f64> {
    let sum = || values.iter().sum::<f64>();
    #[expect(clippy::cast_precision_loss, reason = "areas are small")]
    let count = values.len() as f64;
    match name {
        "SUM" => Some(sum()),
        "PRODUCT" => Some(values.iter().product()),
        "AVERAGE" if !values.is_empty() => Some(sum() / count),
        "MIN" => values.iter().copied().reduce(f64::min),
        "MAX" => values.iter().copied().reduce(f64::max),
        "ABS" => values.first().map(|value| value.abs()),
        "INT" => values.first().map(|value| value.floor()),
        "ROUND" => {
            let [value, digits] = values else { return None };
            let scale = 10_f64.powf(digits.clamp(-15.0, 15.0).trunc());
            Some((value * scale).round() / scale)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_from_their_names() {
        assert_eq!(place("A1"), Some((0, 0)));
        assert_eq!(place("$XFD$1048576"), Some((1_048_575, 16_383)));
        for bad in ["", "A", "1", "A0", "XFE1", "AAAA1", "A1048577", "Ж1"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }

    #[test]
    fn formulas_are_calculated_from_cells_and_from_one_another() {
        let mut cells = Cells::default();
        for (name, number) in [("B2", 50.0), ("B3", 20.0), ("C3", 4.0)] {
            cells.set(place(name).unwrap(), number);
        }
        let formulas: Vec<(Place, String)> = [
            ("D2", "B2+C2"),
            ("C2", "B2*0.2"),
            ("D3", "-(B3 + $C$3) / 2 * 50%"),
            ("D4", "SUM(D2:D3, 1)"),
            ("D5", "ROUND(B2/3;2)"),
            ("E1", "E1+1"),
            ("E2", "E3"),
            ("E3", "E2"),
            ("E4", "VLOOKUP(A1,B:C,2)"),
            ("E5", "A9+1"),
            ("E6", "1/0"),
        ]
        .map(|(name, text)| (place(name).unwrap(), text.to_owned()))
        .into();
        cells.calculate(&formulas);
        let get = |name: &str| cells.get(place(name).unwrap());
        assert_eq!(get("C2"), Some(10.0));
        assert_eq!(get("D2"), Some(60.0));
        assert_eq!(get("D3"), Some(-6.0));
        assert_eq!(get("D4"), Some(55.0));
        assert_eq!(get("D5"), Some(16.67));
        for name in ["E1", "E2", "E3", "E4", "E5", "E6"] {
            assert_eq!(get(name), None, "{name}");
        }
    }

    #[test]
    fn hostile_formulas_end() {
        let mut cells = Cells::default();
        let texts =
            ["(".repeat(400), "-".repeat(400), "9".repeat(500), "SUM(".repeat(100), "Ж".repeat(90)];
        let formulas: Vec<(Place, String)> =
            texts.into_iter().zip(0..).map(|(text, row)| ((row, 0), text)).collect();
        cells.calculate(&formulas);
    }
}
