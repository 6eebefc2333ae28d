//! Addresses: parsed strictly, since they stand in headers and in SMTP commands.

use lettre::{Address, message::Mailbox};
use url::Host;

use super::EmailError;

/// RFC 5321 leaves 254 for an address within `<>`.
const LONGEST: usize = 254;

/// Reads `Name <address>` or `address`.
pub(super) fn sender(text: &str) -> Result<Mailbox, EmailError> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(EmailError::From);
    }
    let (name, address) = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"').trim(), address),
        None => ("", text),
    };
    let name = (!name.is_empty()).then(|| name.to_owned());
    Ok(Mailbox::new(name, parse(address).ok_or(EmailError::From)?))
}

/// Reads the bare address of somebody.
pub(super) fn recipient(text: &str) -> Result<Mailbox, EmailError> {
    parse(text).map(|address| Mailbox::new(None, address)).ok_or(EmailError::Recipient)
}

/// The domain is written in ASCII, so that servers without `SMTPUTF8` take it.
fn parse(text: &str) -> Option<Address> {
    if text.len() > LONGEST || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let address: Address = text.parse().ok()?;
    if address.domain().is_ascii() {
        return Some(address);
    }
    match Host::parse(address.domain()).ok()? {
        Host::Domain(domain) => Address::new(address.user(), domain).ok(),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_a_name_or_none() {
        for (text, name, address) in [
            ("ReplyX <no-reply@localhost>", Some("ReplyX"), "no-reply@localhost"),
            ("\"Shop, Inc.\" <a@shop.example>", Some("Shop, Inc."), "a@shop.example"),
            ("  Магазин <a@shop.example> ", Some("Магазин"), "a@shop.example"),
            ("<a@shop.example>", None, "a@shop.example"),
            ("a@shop.example", None, "a@shop.example"),
        ] {
            let mailbox = sender(text).unwrap();
            assert_eq!(
                (mailbox.name.as_deref(), mailbox.email.to_string()),
                (name, address.to_owned())
            );
        }
        for text in
            ["", "ReplyX", "ReplyX <>", "a@b, c@d", "a@b <c@d", "A\r\nBcc: x <a@b>", "<a b@c>"]
        {
            assert!(sender(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_recipient_is_one_address_and_nothing_more() {
        for text in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@@example.org",
            "ann@example.org\r\nBcc: eve@example.org",
            "ann@example.org\n",
            "ann@example.org>",
            "<ann@example.org>",
            "ann@example.org,eve@example.org",
            "ann@example.org> SIZE=1",
            "\"a\r\nDATA\"@example.org",
            "\"a b\"@example.org",
            "ann@example.org\0",
            "ann@exa mple.org",
        ] {
            assert!(recipient(text).is_err(), "{text:?}");
        }
        let long = format!("ann@{}.org", "a.".repeat(130));
        assert!(recipient(&long).is_err());
        for text in ["ann@example.org", "ann+tag@example.org", "o'neil@sub.example.org"] {
            assert_eq!(recipient(text).unwrap().email.to_string(), text);
        }
    }

    #[test]
    fn a_domain_of_another_script_is_written_in_ascii() {
        let mailbox = recipient("ann@почта.рф").unwrap();
        assert_eq!(mailbox.email.to_string(), "ann@xn--80a1acny.xn--p1ai");
    }
}
