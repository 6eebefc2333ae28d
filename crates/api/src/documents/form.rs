//! The form of an upload: files, and what is said beside them.
//!
//! A file that is too large is its own trouble and does not spoil the others; a form that breaks
//! off does.

use axum::{
    RequestExt,
    extract::{DefaultBodyLimit, Multipart, Request, multipart::Field, multipart::MultipartError},
    http::{HeaderMap, StatusCode, header},
};
use replyx_assistants::documents::Naming;
use replyx_core::{ids::DocumentId, knowledge::Document};
use uuid::Uuid;

use super::name;
use crate::{
    bulk::longest_form,
    error::{ApiError, ApiResult},
    input::announced,
};

/// Most files in one form.
pub(super) const MOST_FILES: usize = 50;
/// The longest field that is not a file, bytes: a tag of the longest characters.
const LONGEST_WORD: usize = 4 * Document::TAG;

/// A file as it arrived.
#[derive(Debug)]
pub(crate) struct Upload {
    /// What its sender calls it, made safe.
    pub(crate) name: String,
    /// Whose choice the name is.
    pub(crate) naming: Naming,
    /// Its bytes, unless there are too many.
    pub(crate) bytes: ApiResult<Vec<u8>>,
}

/// A field of the form.
#[derive(Debug)]
pub(crate) enum Part {
    /// A file.
    File(Upload),
    /// The document that the file is to replace.
    Replaces(DocumentId),
    /// A tag of the documents that the files become.
    Tag(String),
}

/// A form that is being read.
pub(crate) struct Form {
    fields: Multipart,
    /// The largest file, bytes.
    limit: usize,
    /// Was the length of the whole announced? Then the rest of a file that is too large comes to an
    /// end.
    announced: bool,
    files: usize,
}

impl Form {
    /// Begins to read.
    ///
    /// # Errors
    ///
    /// 413 and 415 for what the head of the request gives away, 400 without a boundary.
    pub(crate) async fn open(mut request: Request, limit: usize) -> ApiResult<Self> {
        acceptable(request.headers(), limit)?;
        let announced = announced(request.headers()).is_some();
        DefaultBodyLimit::max(longest_form(limit)).apply(&mut request);
        let fields = request
            .extract::<Multipart, _>()
            .await
            .map_err(|_| ApiError::Malformed("the form has no usable boundary".to_owned()))?;
        Ok(Self { fields, limit, announced, files: 0 })
    }

    /// The next field; nothing at the end of the form.
    ///
    /// # Errors
    ///
    /// 400 for a form that breaks off, 413 for one that is too large, 422 for a field that has no
    /// business here.
    pub(crate) async fn next(&mut self) -> ApiResult<Option<Part>> {
        let limit = self.limit;
        let read = self.fields.next_field().await;
        let Some(field) = read.map_err(|error| refused(&error, limit))? else { return Ok(None) };
        match field.name() {
            Some("file") if self.files < MOST_FILES => {
                self.files += 1;
                file(field, limit, self.announced).await.map(|file| Some(Part::File(file)))
            }
            Some("file") => {
                let message = format!("must be given at most {MOST_FILES} times");
                Err(ApiError::field("file", message))
            }
            Some("replaces") => replaces(field, limit).await.map(|id| Some(Part::Replaces(id))),
            Some("tags") => tag(field, limit).await.map(|tag| Some(Part::Tag(tag))),
            _ => {
                let message = "must be the only field, beside `replaces` and `tags`";
                Err(ApiError::field("file", message))
            }
        }
    }
}

/// What the head of a request tells, before anything of the body is read.
fn acceptable(headers: &HeaderMap, limit: usize) -> ApiResult<()> {
    if announced(headers).is_some_and(|length| length > longest_form(limit) as u64) {
        return Err(ApiError::TooLarge(limit));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data")) {
        let detail = "the body must be `multipart/form-data`".to_owned();
        return Err(ApiError::UnsupportedMediaType(detail));
    }
    Ok(())
}

fn refused(error: &MultipartError, limit: usize) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        ApiError::TooLarge(limit)
    } else {
        ApiError::Malformed("the form cannot be read".to_owned())
    }
}

async fn file(mut field: Field<'_>, limit: usize, announced: bool) -> ApiResult<Upload> {
    let (name, naming) = name::claimed(field.file_name(), field.headers());
    let mut bytes = Vec::new();
    let mut too_large = false;
    while let Some(chunk) = field.chunk().await.map_err(|error| refused(&error, limit))? {
        too_large |= bytes.len() + chunk.len() > limit;
        if !too_large {
            bytes.extend_from_slice(&chunk);
            continue;
        }
        bytes = Vec::new();
        // Nobody knows how much more there is.
        if !announced {
            return Err(ApiError::TooLarge(limit));
        }
    }
    let bytes = if too_large { Err(ApiError::TooLarge(limit)) } else { Ok(bytes) };
    Ok(Upload { name, naming, bytes })
}

async fn replaces(field: Field<'_>, limit: usize) -> ApiResult<DocumentId> {
    let id = word(field, limit).await?.and_then(|word| word.trim().parse::<Uuid>().ok());
    id.map(DocumentId::from).ok_or_else(|| ApiError::field("replaces", "must be a document's id"))
}

async fn tag(field: Field<'_>, limit: usize) -> ApiResult<String> {
    let fits = |tag: &String| (1..=Document::TAG).contains(&tag.trim().chars().count());
    let tag = word(field, limit).await?.filter(fits);
    let message = || format!("must have 1 to {} characters each", Document::TAG);
    tag.ok_or_else(|| ApiError::field("tags", message()))
}

/// What a field says that is not a file; nothing where that is too long or no text.
async fn word(mut field: Field<'_>, limit: usize) -> ApiResult<Option<String>> {
    let mut word = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| refused(&error, limit))? {
        word.extend_from_slice(&chunk);
        if word.len() > LONGEST_WORD {
            return Ok(None);
        }
    }
    Ok(String::from_utf8(word).ok())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;
    use crate::bulk::ENVELOPE;

    const KIND: &str = "multipart/form-data; boundary=x";

    fn part(head: &str, content: &str) -> String {
        format!("--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    }

    async fn parts(kind: &str, body: String) -> ApiResult<Vec<Part>> {
        let length = body.len();
        let request = http::Request::builder()
            .header("content-type", kind)
            .header("content-length", length)
            .body(Body::from(body))
            .unwrap();
        let mut form = Form::open(request, 10).await?;
        let mut parts = Vec::new();
        while let Some(part) = form.next().await? {
            parts.push(part);
        }
        Ok(parts)
    }

    async fn received(kind: &str, body: String) -> ApiResult<(String, usize)> {
        match parts(kind, body).await?.pop() {
            Some(Part::File(file)) => Ok((file.name, file.bytes?.len())),
            other => panic!("{other:?}"),
        }
    }

    async fn refused(kind: &str, body: String) -> String {
        format!("{:?}", received(kind, body).await.unwrap_err())
    }

    #[tokio::test]
    async fn a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() {
        let form = |content: &str| part("name=\"file\"; filename=\"a.md\"", content) + "--x--\r\n";
        let taken = received(KIND, form("0123456789")).await.unwrap();
        assert_eq!(taken, ("a.md".to_owned(), 10));
        assert_eq!(refused(KIND, form("0123456789a")).await, "TooLarge(10)");
    }

    #[tokio::test]
    async fn a_form_has_files_and_what_they_replace_and_nothing_else() {
        let file = part("name=\"file\"", "text");
        let other = refused(KIND, part("name=\"other\"", "text") + &file + "--x--\r\n").await;
        assert!(other.contains("only field"), "{other}");
        let many = refused(KIND, file.repeat(MOST_FILES + 1) + "--x--\r\n").await;
        assert!(many.contains("at most 50 times"), "{many}");
        for id in ["", "7", &"0".repeat(1000)] {
            let odd = part("name=\"replaces\"", id);
            let odd = refused(KIND, format!("{file}{odd}--x--\r\n")).await;
            assert!(odd.contains("a document's id"), "{odd}");
        }
        for tag in ["", " ", &"ж".repeat(51), &"0".repeat(1000)] {
            let odd = part("name=\"tags\"", tag);
            let odd = refused(KIND, format!("{odd}{file}--x--\r\n")).await;
            assert!(odd.contains("1 to 50 characters"), "{odd}");
        }
        let longest = "ж".repeat(50);
        let form = part("name=\"tags\"", &longest) + &file + "--x--\r\n";
        let read = parts(KIND, form).await.unwrap();
        assert!(matches!(&read[..], [Part::Tag(tag), Part::File(_)] if *tag == longest));
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let form = part("name=\"replaces\"", id) + &file + "--x--\r\n";
        let read = parts(KIND, form).await.unwrap();
        assert!(
            matches!(&read[..], [Part::Replaces(found), Part::File(_)] if found.to_string() == id)
        );
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_does_not_spoil_the_others() {
        let large = part("name=\"file\"; filename=\"a.md\"", "0123456789a");
        let small = part("name=\"file\"; filename=\"b.md\"", "text");
        let read = parts(KIND, format!("{large}{small}--x--\r\n")).await.unwrap();
        let [Part::File(first), Part::File(second)] = &read[..] else { panic!("{read:?}") };
        assert!(matches!(first.bytes, Err(ApiError::TooLarge(10))));
        assert_eq!((second.name.as_str(), second.bytes.as_ref().unwrap().len()), ("b.md", 4));
    }

    #[tokio::test]
    async fn what_is_no_form_is_refused_by_its_kind_and_a_broken_form_as_malformed() {
        let whole = part("name=\"file\"", "text") + "--x--\r\n";
        for kind in ["application/json", "multipart/mixed; boundary=x", ""] {
            let error = refused(kind, whole.clone()).await;
            assert!(error.starts_with("UnsupportedMediaType"), "{kind}: {error}");
        }
        for (kind, body) in [
            ("multipart/form-data", whole.clone()),
            (KIND, String::new()),
            (KIND, part("name=\"file\"", "text")[..50].to_owned()),
            (KIND, "no boundary at all".to_owned()),
            (KIND, part("name=\"file\"", "text")),
        ] {
            let error = refused(kind, body.clone()).await;
            assert!(error.starts_with("Malformed"), "{body:?}: {error}");
        }
    }

    #[tokio::test]
    async fn an_endless_head_of_a_part_is_not_read_to_its_end() {
        let body = format!("--x\r\nContent-Disposition: {}", "a".repeat(ENVELOPE * 2));
        assert_eq!(refused(KIND, body).await, "TooLarge(10)");
    }

    #[test]
    fn a_length_over_the_limit_is_refused_by_the_head_alone() {
        let headers = |length: usize| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_LENGTH, length.into());
            headers.insert(header::CONTENT_TYPE, KIND.parse().unwrap());
            headers
        };
        assert!(acceptable(&headers(50 + ENVELOPE), 10).is_ok());
        assert!(matches!(acceptable(&headers(51 + ENVELOPE), 10), Err(ApiError::TooLarge(10))));
    }
}
