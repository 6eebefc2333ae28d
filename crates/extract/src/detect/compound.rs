//! Compound files: old Office documents, and new ones under a password. Their directory tells what
//! they are.

use std::collections::HashSet;

use replyx_core::knowledge::DocumentKind;

use super::Unsupported;

/// Where a chain of sectors ends, and marks that are no sector.
const LAST_SECTOR: u32 = 0xFFFF_FFFA;
/// No entry of the directory.
const NO_ENTRY: u32 = 0xFFFF_FFFF;
/// An entry of the directory, bytes.
const ENTRY: usize = 128;
/// Directories longer than this are not looked through, entries.
const ENTRIES: usize = 4_096;

/// Shorter streams share sectors.
const SMALLEST: u32 = 4_096;
/// The sectors that short streams are cut into, bytes.
const SMALL_SECTOR: usize = 64;

/// Is it a compound file?
pub(super) fn is_compound(head: &[u8]) -> bool {
    head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
}

/// What a compound file is. Workbooks and Word documents are read; of others the menu that saves
/// them as something that is read is named.
pub(super) fn detect(bytes: &[u8]) -> Result<DocumentKind, Unsupported> {
    let top = top_names(bytes);
    // A damaged directory: the names are still somewhere, as UTF-16.
    let has = |name: &str| match &top {
        Some(names) => names.iter().any(|found| found.eq_ignore_ascii_case(name)),
        None => contains_wide(bytes, name),
    };

    if has("EncryptedPackage") {
        Err(Unsupported(
            "an Office document protected by a password: open it, remove the password under \
             File > Info > Protect Document > Encrypt with Password, and save it",
        ))
    } else if has("Workbook") || has("Book") {
        Ok(DocumentKind::Xlsx)
    } else if has("WordDocument") {
        Ok(DocumentKind::Docx)
    } else if has("PowerPoint Document") {
        Err(Unsupported(
            "an old PowerPoint presentation (.ppt): save it as .pptx (in PowerPoint: File > Save As > \
             PowerPoint Presentation (*.pptx); in LibreOffice: File > Save As > PowerPoint 2010-365 (.pptx))",
        ))
    } else if has("__properties_version1.0") {
        Err(Unsupported(
            "an Outlook message (.msg): save it as .eml or text (in Outlook: File > Save As > Text Only (*.txt); \
             in the new Outlook: ... > Save as > Save as EML)",
        ))
    } else {
        Err(Unsupported("an old Microsoft Office document: save it as .docx, .xlsx or .pptx"))
    }
}

fn contains_wide(bytes: &[u8], name: &str) -> bool {
    let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.windows(wide.len()).any(|window| window == wide)
}

fn top_names(bytes: &[u8]) -> Option<Vec<String>> {
    Some(root(bytes)?.into_iter().map(|entry| entry.name).collect())
}

/// The bytes of a stream in the root, unless the file is damaged.
pub(crate) fn stream(bytes: &[u8], name: &str) -> Option<Vec<u8>> {
    let entries = root(bytes)?;
    let entry = entries.iter().find(|entry| entry.name.eq_ignore_ascii_case(name))?;
    let length = usize::try_from(entry.length).ok()?;
    let sectors = Sectors::of(bytes)?;
    let mut stream = if entry.length < SMALLEST {
        sectors.small(entry.first, length)?
    } else {
        sectors.chain(entry.first, bytes.len())?
    };
    stream.truncate(length);
    Some(stream)
}

/// An entry of the directory.
struct Entry {
    name: String,
    /// The first sector of its bytes.
    first: u32,
    length: u32,
}

/// What stands in the root of the directory, unless it is damaged. What stands in folders below
/// belongs to embedded objects: a workbook may hold a Word document.
fn root(bytes: &[u8]) -> Option<Vec<Entry>> {
    let directory = Sectors::of(bytes)?.chain(word(bytes, 48)?, ENTRIES * ENTRY)?;
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    let mut open = vec![word(&directory, 76)?];
    while let Some(id) = open.pop() {
        if id == NO_ENTRY || !seen.insert(id) {
            continue;
        }
        let start = usize::try_from(id).ok()?.checked_mul(ENTRY)?;
        let entry = directory.get(start..start.checked_add(ENTRY)?)?;
        let length = usize::from(entry[64]).min(64).saturating_sub(2);
        let units = entry[..length].as_chunks::<2>().0.iter();
        let name: Vec<u16> = units.map(|unit| u16::from_le_bytes(*unit)).collect();
        entries.push(Entry {
            name: String::from_utf16_lossy(&name),
            first: word(entry, 116)?,
            length: word(entry, 120)?,
        });
        open.extend([word(entry, 68)?, word(entry, 72)?]);
    }
    Some(entries)
}

/// The sectors of a compound file, and which follows which.
struct Sectors<'a> {
    bytes: &'a [u8],
    size: usize,
    /// The sectors that hold the table of followers.
    tables: Vec<u32>,
}

impl<'a> Sectors<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let size = match bytes.get(30)? {
            9 => 512,
            12 => 4_096,
            _ => return None,
        };
        // The first 109 tables are listed in the head, those of files over 6 MiB in sectors of
        // their own.
        let listed = (0..109).map_while(|index| word(bytes, 76 + index * 4));
        let tables = listed.filter(|sector| *sector < LAST_SECTOR).collect();
        let mut sectors = Self { bytes, size, tables };
        let mut next = word(bytes, 68)?;
        let most = bytes.len() / size / (size / 4) + 1;
        while next < LAST_SECTOR && sectors.tables.len() <= most + 109 {
            let Some(list) = sectors.sector(next) else { break };
            let own = (0..size / 4 - 1).map_while(|index| word(list, index * 4));
            sectors.tables.extend(own.filter(|sector| *sector < LAST_SECTOR));
            next = word(list, size - 4).unwrap_or(LAST_SECTOR);
        }
        Some(sectors)
    }

    /// The bytes of a short stream, which the root keeps with others.
    fn small(&self, first: u32, length: usize) -> Option<Vec<u8>> {
        let directory = self.chain(word(self.bytes, 48)?, ENTRIES * ENTRY)?;
        let shared = self.chain(word(&directory, 116)?, self.bytes.len())?;
        let followers = self.chain(word(self.bytes, 60)?, self.bytes.len())?;
        let mut stream = Vec::with_capacity(length);
        let mut number = first;
        while number < LAST_SECTOR && stream.len() < length {
            let at = usize::try_from(number).ok()?;
            let start = at.checked_mul(SMALL_SECTOR)?;
            let end = start.checked_add(SMALL_SECTOR)?.min(shared.len());
            stream.extend_from_slice(shared.get(start..end).filter(|part| !part.is_empty())?);
            number = word(&followers, at.checked_mul(4)?)?;
        }
        Some(stream)
    }

    fn sector(&self, number: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(number).ok()?.checked_add(1)?.checked_mul(self.size)?;
        // The last one may be cut short.
        let end = start.checked_add(self.size)?.min(self.bytes.len());
        self.bytes.get(start..end)
    }

    fn next(&self, number: u32) -> Option<u32> {
        let each = self.size / 4;
        let number = usize::try_from(number).ok()?;
        let table = self.sector(*self.tables.get(number / each)?)?;
        word(table, number % each * 4)
    }

    /// The bytes of a chain of sectors, unless there are more than `most`: a chain may be a circle.
    fn chain(&self, first: u32, most: usize) -> Option<Vec<u8>> {
        let mut chain = Vec::new();
        let mut number = first;
        while number < LAST_SECTOR {
            chain.extend_from_slice(self.sector(number)?);
            if chain.len() > most {
                return None;
            }
            number = self.next(number)?;
        }
        (chain.len() >= ENTRY).then_some(chain)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A compound file with these names in its root, and these in a folder below.
    fn compound(top: &[&str], below: &[&str]) -> Vec<u8> {
        let mut file = vec![0; 512];
        file[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
        file[30] = 9;
        file[48..52].copy_from_slice(&1_u32.to_le_bytes());
        file[76..512].fill(0xFF);
        file[76..80].copy_from_slice(&0_u32.to_le_bytes());
        // Sector 0 tells that sectors 1 to 4 follow each other.
        let mut table = vec![0xFF; 512];
        for (sector, next) in [(1_u32, 2_u32), (2, 3), (3, 4), (4, 0xFFFF_FFFE)] {
            let at = usize::try_from(sector).unwrap() * 4;
            table[at..at + 4].copy_from_slice(&next.to_le_bytes());
        }
        file.extend(table);
        let mut directory = vec![0; 4 * 512];
        let mut write = |id: usize, name: &str, right: u32, child: u32| {
            let entry = &mut directory[id * ENTRY..(id + 1) * ENTRY];
            let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            entry[..wide.len()].copy_from_slice(&wide);
            entry[64] = u8::try_from(wide.len() + 2).unwrap();
            entry[68..72].fill(0xFF);
            entry[72..76].copy_from_slice(&right.to_le_bytes());
            entry[76..80].copy_from_slice(&child.to_le_bytes());
        };
        let folder = u32::try_from(top.len()).unwrap() + 1;
        write(0, "Root Entry", NO_ENTRY, 1);
        for (name, id) in top.iter().zip(1..) {
            write(usize::try_from(id).unwrap(), name, id + 1, NO_ENTRY);
        }
        let first = if below.is_empty() { NO_ENTRY } else { folder + 1 };
        write(usize::try_from(folder).unwrap(), "Folder", NO_ENTRY, first);
        for (name, id) in below.iter().zip(folder + 1..) {
            write(usize::try_from(id).unwrap(), name, NO_ENTRY, NO_ENTRY);
        }
        file.extend(directory);
        file
    }

    #[test]
    fn what_stands_in_the_root_counts_and_not_what_is_embedded() {
        assert_eq!(detect(&compound(&["Workbook"], &["WordDocument"])), Ok(DocumentKind::Xlsx));
        assert_eq!(detect(&compound(&["Book"], &[])), Ok(DocumentKind::Xlsx));
        let word = detect(&compound(&["\u{5}Summary", "WordDocument"], &["Workbook"]));
        assert_eq!(word, Ok(DocumentKind::Docx));
        let slides = detect(&compound(&["PowerPoint Document"], &[]));
        assert!(slides.unwrap_err().0.contains("PowerPoint Presentation (*.pptx)"));
        let other = detect(&compound(&["Contents"], &["Workbook"]));
        assert!(other.unwrap_err().0.starts_with("an old Microsoft Office document"));
    }

    #[test]
    fn a_directory_in_a_circle_ends_and_a_torn_one_is_searched() {
        let mut file = compound(&["Workbook"], &[]);
        // Sector 4 leads back to sector 1.
        file[512 + 16..512 + 20].copy_from_slice(&1_u32.to_le_bytes());
        assert_eq!(detect(&file), Ok(DocumentKind::Xlsx));
        let whole = compound(&["Workbook"], &[]);
        for length in 0..whole.len() {
            let _ = detect(&whole[..length]);
        }
    }
}
