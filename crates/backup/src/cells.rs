//! How a row is written: each value as a byte that tells its kind, and the value.

use replyx_storage::copy::Cell;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const REAL: u8 = 2;
const TEXT: u8 = 3;
const BLOB: u8 = 4;

/// Appends a row.
pub(crate) fn write(row: &[Cell], bytes: &mut Vec<u8>) {
    for cell in row {
        match cell {
            Cell::Null => bytes.push(NULL),
            Cell::Integer(number) => {
                bytes.push(INTEGER);
                bytes.extend(number.to_le_bytes());
            }
            Cell::Real(number) => {
                bytes.push(REAL);
                bytes.extend(number.to_bits().to_le_bytes());
            }
            Cell::Text(text) => {
                bytes.push(TEXT);
                counted(text.as_bytes(), bytes);
            }
            Cell::Blob(blob) => {
                bytes.push(BLOB);
                counted(blob, bytes);
            }
        }
    }
}

fn counted(value: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend((value.len() as u64).to_le_bytes());
    bytes.extend(value);
}

/// Reads a row of so many values from the front of `bytes`. `None`: there is none.
pub(crate) fn read(bytes: &mut &[u8], columns: usize) -> Option<Vec<Cell>> {
    (0..columns).map(|_| cell(bytes)).collect()
}

fn cell(bytes: &mut &[u8]) -> Option<Cell> {
    let (kind, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(match *kind {
        NULL => Cell::Null,
        INTEGER => Cell::Integer(i64::from_le_bytes(*take::<8>(bytes)?)),
        REAL => Cell::Real(f64::from_bits(u64::from_le_bytes(*take::<8>(bytes)?))),
        TEXT => Cell::Text(String::from_utf8(value(bytes)?.to_owned()).ok()?),
        BLOB => Cell::Blob(value(bytes)?.to_owned()),
        _ => return None,
    })
}

fn take<'b, const N: usize>(bytes: &mut &'b [u8]) -> Option<&'b [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(taken)
}

fn value<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(u64::from_le_bytes(*take::<8>(bytes)?)).ok()?;
    let (value, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_they_were_written_and_cut_ones_are_not() {
        let row = [
            Cell::Null,
            Cell::Integer(i64::MIN),
            Cell::Real(-0.1),
            Cell::Text("é\t\\N\n".to_owned()),
            Cell::Blob(vec![0, 255, 3]),
        ];
        let mut bytes = Vec::new();
        write(&row, &mut bytes);
        write(&row, &mut bytes);

        let mut left = bytes.as_slice();
        assert_eq!(read(&mut left, 5).unwrap(), row);
        assert_eq!(read(&mut left, 5).unwrap(), row);
        assert_eq!(read(&mut left, 5), None);
        let whole = bytes.len() / 2;
        for cut in 0..whole {
            assert_eq!(read(&mut &bytes[..cut], 5), None, "{cut}");
        }
    }
}
