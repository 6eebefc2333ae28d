//! AWS Signature Version 4 of a request to S3, in the `Authorization` header and over the hash of
//! the body.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>; the tests hold
//! it against the examples published there.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Who signs, and where.
#[derive(Clone, Debug)]
pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) secret_key: SecretString,
    pub(crate) region: String,
}

/// What is signed. All headers that are sent and count are named here.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// The path as it is sent, each segment percent-encoded.
    pub(crate) path: &'a str,
    /// Names and values, not yet encoded.
    pub(crate) query: &'a [(&'a str, String)],
    /// Lower-case names and values, without those that [`Signer::sign`] adds.
    pub(crate) headers: &'a [(&'a str, String)],
    pub(crate) body: &'a [u8],
    pub(crate) now: DateTime<Utc>,
}

impl Signer {
    /// The headers to be sent beside those that were signed.
    pub(crate) fn sign(&self, request: &Signed<'_>) -> [(&'static str, String); 3] {
        let time = request.now.format("%Y%m%dT%H%M%SZ").to_string();
        let day = request.now.format("%Y%m%d").to_string();
        let body_hash = hex(&Sha256::digest(request.body));

        let mut headers = request.headers.to_vec();
        headers.push(("x-amz-content-sha256", body_hash.clone()));
        headers.push(("x-amz-date", time.clone()));
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let mut lines = String::new();
        for (name, value) in &headers {
            lines.extend([*name, ":", value.trim(), "\n"]);
        }

        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{names}\n{body_hash}",
            request.method,
            request.path,
            query(request.query)
        );
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let hash = hex(&Sha256::digest(canonical));
        let signature = self.signature(&day, &format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}"));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope},SignedHeaders={names},Signature={signature}",
            self.access_key
        );

        [
            ("authorization", authorization),
            ("x-amz-content-sha256", body_hash),
            ("x-amz-date", time),
        ]
    }

    fn signature(&self, day: &str, text: &str) -> String {
        let secret = format!("AWS4{}", self.secret_key.expose_secret());
        let steps = [day, &self.region, "s3", "aws4_request"];
        let key = steps.iter().fold(secret.into_bytes(), |key, step| mac(&key, step.as_bytes()));
        hex(&mac(&key, text.as_bytes()))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// A query as it is signed, and sent: sorted, everything but letters, digits and `-._~` encoded.
pub(crate) fn query(parts: &[(&str, String)]) -> String {
    let mut encoded: Vec<(String, String)> =
        parts.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    encoded.sort_unstable();
    let parts: Vec<String> =
        encoded.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join("&")
}

/// One segment of a path, or a part of a query.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // A string takes whatever is written into it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of "Signature Calculations for the Authorization Header".
    #[test]
    fn the_published_examples_have_their_published_signatures() {
        let signer = Signer {
            access_key: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into(),
            region: "us-east-1".to_owned(),
        };
        let host = ("host", "examplebucket.s3.amazonaws.com".to_owned());
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let sign = |method, path, query: &[(&str, String)], more: &[(&str, &str)], body: &[u8]| {
            let mut headers = vec![host.clone()];
            headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
            let request = Signed { method, path, query, headers: &headers, body, now };
            let [(_, authorization), ..] = signer.sign(&request);
            let (_, signature) = authorization.split_once("Signature=").unwrap();
            signature.to_owned()
        };

        assert_eq!(
            sign("GET", "/test.txt", &[], &[("range", "bytes=0-9")], b""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        assert_eq!(
            sign(
                "PUT",
                "/test%24file.text",
                &[],
                &[
                    ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ],
                b"Welcome to Amazon S3.",
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        let list = [("prefix", "J".to_owned()), ("max-keys", "2".to_owned())];
        assert_eq!(
            sign("GET", "/", &list, &[], b""),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
        let lifecycle = [("lifecycle", String::new())];
        assert_eq!(
            sign("GET", "/", &lifecycle, &[], b""),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
        );
    }

    #[test]
    fn whatever_is_not_plain_is_encoded_byte_by_byte() {
        assert_eq!(encode("a b/ü~"), "a%20b%2F%C3%BC~");
        let parts = [("b", "2".to_owned()), ("a", "=&".to_owned())];
        assert_eq!(query(&parts), "a=%3D%26&b=2");
    }
}
