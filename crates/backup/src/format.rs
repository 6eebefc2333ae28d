//! The form of a backup: a line that names it, and behind it, compressed by zstd, parts.
//!
//! All of it may be encrypted, which is then outermost ([`crate::seal`]).
//!
//! A part is a byte that tells its kind, its length (4 bytes, the lowest first), and its bytes. In
//! this order: one header; of each table its columns, and its rows in as many parts as needed; the
//! files; one summary, behind which there is nothing.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use replyx_files::Key;
use replyx_storage::copy::Table;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    BackupError, Opener, Seal,
    seal::{Sink, Source},
    summary::Summary,
};

/// What a backup begins with. The number behind it is that of the form, on a line.
const NAME: &[u8] = b"replyx-backup ";
/// The form that is written here.
const FORMAT: u32 = 1;
/// As `zstd` does it by itself: fast, and a third of the size.
const LEVEL: i32 = 3;
/// No part is larger, bytes. An upload is far below it.
const LARGEST: usize = 1 << 30;

const HEADER: u8 = b'H';
const TABLE: u8 = b'T';
const ROWS: u8 = b'R';
const FILE: u8 = b'F';
const SUMMARY: u8 = b'E';

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the program that made it.
    pub program: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// The kind of database it was made of: `sqlite` or `postgres`.
    pub database: String,
    /// The migrations that made the tables.
    pub migrations: Vec<i64>,
    /// The ids of the master secrets that its secrets may be sealed with, the newest first.
    pub keys: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Columns {
    name: String,
    columns: Vec<String>,
}

/// A part of a backup.
pub(crate) enum Part {
    /// A table begins.
    Table(Table),
    /// Rows of it.
    Rows(Vec<u8>),
    /// A file.
    File(Key, Vec<u8>),
    /// The end.
    Summary(Summary),
}

/// A backup that is being written.
pub(crate) struct Writer {
    path: PathBuf,
    file: zstd::Encoder<'static, Sink>,
}

impl Writer {
    /// Begins it.
    pub(crate) fn begin(
        path: &Path,
        file: File,
        seal: &Seal,
        header: &Header,
    ) -> Result<Self, BackupError> {
        let failed = failed(path);
        let mut sink = seal.wrap(BufWriter::new(file)).map_err(&failed)?;
        sink.write_all(&[NAME, FORMAT.to_string().as_bytes(), b"\n"].concat()).map_err(&failed)?;
        let mut encoder = zstd::Encoder::new(sink, LEVEL).map_err(&failed)?;
        encoder.include_checksum(true).map_err(&failed)?;
        let mut writer = Self { path: path.to_owned(), file: encoder };
        writer.json(HEADER, header)?;
        Ok(writer)
    }

    pub(crate) fn table(&mut self, table: &Table) -> Result<(), BackupError> {
        let Table { name, columns } = table.clone();
        self.json(TABLE, &Columns { name, columns })
    }

    pub(crate) fn rows(&mut self, rows: &[u8]) -> Result<(), BackupError> {
        self.part(ROWS, &[rows])
    }

    pub(crate) fn file(&mut self, key: Key, bytes: &[u8]) -> Result<(), BackupError> {
        let [workspace, file] = [key.workspace.into_uuid(), key.file.into_uuid()];
        self.part(FILE, &[workspace.as_bytes(), file.as_bytes(), bytes])
    }

    /// Ends it; returns how many bytes it has on the disk.
    pub(crate) fn end(mut self, summary: &Summary) -> Result<u64, BackupError> {
        self.json(SUMMARY, summary)?;
        let failed = failed(&self.path);
        let file = self.file.finish().and_then(Sink::finish).map_err(&failed)?;
        file.sync_all().map_err(&failed)?;
        Ok(file.metadata().map_err(&failed)?.len())
    }

    fn json(&mut self, kind: u8, value: &impl Serialize) -> Result<(), BackupError> {
        let text = serde_json::to_vec(value).map_err(|error| failed(&self.path)(error.into()))?;
        self.part(kind, &[&text])
    }

    fn part(&mut self, kind: u8, pieces: &[&[u8]]) -> Result<(), BackupError> {
        let failed = failed(&self.path);
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let length = u32::try_from(length)
            .ok()
            .filter(|_| length <= LARGEST)
            .ok_or_else(|| failed(io::Error::other("a row or a file is too large for a backup")))?;
        self.file.write_all(&[kind]).map_err(&failed)?;
        self.file.write_all(&length.to_le_bytes()).map_err(&failed)?;
        for piece in pieces {
            self.file.write_all(piece).map_err(&failed)?;
        }
        Ok(())
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    move |source| BackupError::Io { path: path.clone(), source }
}

/// A backup that is being read.
pub(crate) struct Reader {
    path: PathBuf,
    file: zstd::Decoder<'static, BufReader<Source>>,
    /// What is being read, for people.
    place: String,
}

impl Reader {
    /// Opens it.
    pub(crate) fn open(path: &Path, opener: &Opener) -> Result<(Self, Header), BackupError> {
        let failed = failed(path);
        let file = BufReader::new(File::open(path).map_err(&failed)?);
        let mut file = opener.unwrap(file, &failed)?;
        let format = format_of(&mut file).map_err(&failed)?.ok_or(BackupError::NotABackup)?;
        if format != FORMAT {
            return Err(BackupError::Format(format));
        }

        let file = zstd::Decoder::new(file).map_err(&failed)?;
        let mut reader = Self { path: path.to_owned(), file, place: "its header".to_owned() };
        let (kind, bytes) = reader.part()?;
        if kind != HEADER {
            return Err(reader.damaged());
        }
        let header = reader.parsed(&bytes)?;
        Ok((reader, header))
    }

    /// The next part. Behind the summary there is none.
    pub(crate) fn next(&mut self) -> Result<Part, BackupError> {
        let (kind, mut bytes) = self.part()?;
        Ok(match kind {
            TABLE => {
                let Columns { name, columns } = self.parsed(&bytes)?;
                self.place = format!("the table `{name}`");
                Part::Table(Table { name, columns })
            }
            ROWS => Part::Rows(bytes),
            FILE => {
                "the files".clone_into(&mut self.place);
                let content = bytes.split_off(bytes.len().min(32));
                let ids = bytes.as_chunks::<16>().0;
                let &[workspace, file] = ids else { return Err(self.damaged()) };
                let [workspace, file] = [workspace, file].map(Uuid::from_bytes);
                Part::File(Key { workspace: workspace.into(), file: file.into() }, content)
            }
            SUMMARY => {
                "its end".clone_into(&mut self.place);
                let summary = self.parsed(&bytes)?;
                self.ended()?;
                Part::Summary(summary)
            }
            _ => return Err(self.damaged()),
        })
    }

    /// What is being read is not what was written.
    pub(crate) fn damaged(&self) -> BackupError {
        BackupError::Damaged(format!("{} cannot be read", self.place))
    }

    fn part(&mut self) -> Result<(u8, Vec<u8>), BackupError> {
        let mut head = [0; 5];
        self.fill(&mut head)?;
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        if length > LARGEST {
            return Err(self.damaged());
        }

        // No more is taken than there is, whatever a damaged length says.
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(length as u64).read_to_end(&mut bytes);
        read.map_err(|error| self.unreadable(error))?;
        if bytes.len() < length {
            return Err(BackupError::Cut(self.place.clone()));
        }
        Ok((kind, bytes))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), BackupError> {
        self.file.read_exact(bytes).map_err(|error| self.unreadable(error))
    }

    /// Makes sure that there is nothing more, and lets the checksum of all be compared.
    fn ended(&mut self) -> Result<(), BackupError> {
        let mut more = [0];
        match self.file.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(BackupError::Damaged("there is something behind its end".to_owned())),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn unreadable(&self, error: io::Error) -> BackupError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => BackupError::Cut(self.place.clone()),
            // The decoder's own faults have no number of the system.
            _ if error.raw_os_error().is_none() => {
                BackupError::Damaged(format!("{} cannot be unpacked ({error})", self.place))
            }
            _ => failed(&self.path)(error),
        }
    }

    fn parsed<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, BackupError> {
        serde_json::from_slice(bytes).map_err(|_| self.damaged())
    }
}

/// The number on the first line; `None`: it is no backup.
fn format_of(file: &mut impl Read) -> io::Result<Option<u32>> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < 32 && file.read(&mut byte)? == 1 {
        if byte == *b"\n" {
            let number = line.strip_prefix(NAME).and_then(|rest| str::from_utf8(rest).ok());
            return Ok(number.and_then(|number| number.parse().ok()));
        }
        line.extend(byte);
    }
    Ok(None)
}
