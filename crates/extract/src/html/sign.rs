//! What is shown without words: ticks and crosses, pictures with a name, protected addresses.

use scraper::node::Element;

use super::tree::Root;

/// Endings of the class names of icon fonts.
const TICKS: [&str; 8] =
    ["check", "tick", "checkmark", "check-circle", "check-square", "icon-yes", "icon-ok", "done"];
const CROSSES: [&str; 9] = [
    "times",
    "cross",
    "xmark",
    "x-mark",
    "times-circle",
    "icon-no",
    "icon-remove",
    "x-circle",
    "circle-xmark",
];

/// What an element without text of its own shows, and whether it is a picture that a reader may do
/// without.
pub(super) fn shown(node: Root<'_>, element: &Element, in_cell: bool) -> Option<String> {
    let label = || element.attr("aria-label").or_else(|| element.attr("title"));
    match element.name() {
        "svg" => label().map(str::to_owned).or_else(|| title_of(node)),
        "input" if in_cell && element.attr("type") == Some("checkbox") => {
            Some(if element.attr("checked").is_some() { "✓" } else { "✗" }.to_owned())
        }
        "i" | "span" | "em" if !node.has_children() => {
            let named = element.attr("role").filter(|role| *role == "img").and_then(|_| label());
            named.map(str::to_owned).or_else(|| {
                let ends = |endings: &[&str]| {
                    element.classes().any(|class| endings.iter().any(|end| class.ends_with(end)))
                };
                let sign = if ends(&TICKS) {
                    Some("✓")
                } else if ends(&CROSSES) {
                    Some("✗")
                } else {
                    None
                };
                sign.filter(|_| in_cell).map(str::to_owned)
            })
        }
        _ if element.attr("role") == Some("img") && !node.has_children() => {
            label().map(str::to_owned)
        }
        _ => None,
    }
}

/// The title of a drawing.
fn title_of(node: Root<'_>) -> Option<String> {
    let title = node.children().find(|child| {
        child.value().as_element().is_some_and(|element| element.name() == "title")
    })?;
    let text: String =
        title.descendants().filter_map(|node| Some(&*node.value().as_text()?.text)).collect();
    (!text.trim().is_empty()).then_some(text)
}

/// The address that Cloudflare keeps from machines: each byte is changed by the first one.
pub(super) fn address(code: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = code
        .as_bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let bytes = bytes?;
    let (key, coded) = bytes.split_first()?;
    let address = String::from_utf8(coded.iter().map(|byte| byte ^ key).collect()).ok()?;
    let is_address = address.contains('@') && !address.contains(char::is_whitespace);
    is_address.then_some(address)
}

/// The code in a protected link's address.
pub(super) fn protected(link: &str) -> Option<&str> {
    link.split_once("/cdn-cgi/l/email-protection")?.1.strip_prefix('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protected_addresses_are_read() {
        let code = "543b263031262714383d3a30313a3c3b327a312c3539243831";
        assert_eq!(address(code).as_deref(), Some("orders@lindenhof.example"));
        assert_eq!(protected(&format!("/cdn-cgi/l/email-protection#{code}")), Some(code));
        for bad in ["", "5", "zz", "54", "543b2630"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
