//! Texts that were read from documents, part by part: a text may be long, and its readers many.

use replyx_core::ids::DocumentId;

use crate::{StorageError, documents::Documents};

impl Documents<'_> {
    /// The length of the text in bytes, and so many of its bytes (of UTF-8) from `start` on; `None`
    /// before it has been read. A part may begin and end inside a character.
    pub async fn text_part(
        self,
        id: DocumentId,
        start: u32,
        bytes: u32,
    ) -> Result<Option<(u64, Vec<u8>)>, StorageError> {
        let sql = self.tx.sql(
            "SELECT octet_length(text)::bigint, substring(convert_to(text, 'UTF8') FROM $3::int FOR $4::int)
               FROM document_files WHERE workspace_id = $1 AND document_id = $2",
            "SELECT length(CAST(text AS BLOB)), substr(CAST(text AS BLOB), $3, $4)
               FROM document_files WHERE workspace_id = $1 AND document_id = $2",
        );
        let first = i64::from(start) + 1;
        let bytes = i64::from(bytes);
        let part = row!(
            self.tx, (Option<i64>, Option<Vec<u8>>), sql;
            self.workspace.into_uuid(), id.into_uuid(), first, bytes
        );
        let Some((Some(length), Some(part))) = part else { return Ok(None) };
        Ok(Some((u64::try_from(length).unwrap_or_default(), part)))
    }
}
