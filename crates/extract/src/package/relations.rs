//! How the parts of an Open XML package point at each other.

use super::{super::xml::Tree, Package, Unreadable};

/// A pointer from one part to another or to the outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Relation {
    /// What the pointing part calls it.
    id: String,
    /// The last word of its type: `slide`, `hyperlink`.
    kind: String,
    /// A name in the package, or an address when `external`.
    pub(in super::super) target: String,
    /// Does it point outside?
    pub(in super::super) external: bool,
}

impl Relation {
    /// Does it point to another part of that type?
    pub(in super::super) fn is(&self, kind: &str) -> bool {
        self.kind == kind && !self.external
    }
}

/// The pointers of one part.
#[derive(Debug, Default)]
pub(in super::super) struct Relations(Vec<Relation>);

impl Relations {
    /// Those of a part; none when it has none. The package's own belong to the empty name.
    ///
    /// # Errors
    ///
    /// Returns [`Unreadable`] when they cannot be read.
    pub(in super::super) fn of(package: &mut Package, part: &str) -> Result<Self, Unreadable> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let file = match folder {
            "" => format!("_rels/{name}.rels"),
            folder => format!("{folder}/_rels/{name}.rels"),
        };
        let Some(text) = package.text(&file)? else { return Ok(Self::default()) };
        let tree = Tree::parse(&text)?;
        let all = tree.root().children_named("Relationship").filter_map(|relation| {
            let external = relation.attribute("TargetMode").as_deref() == Some("External");
            let target = relation.attribute("Target")?;
            let kind = relation.attribute("Type").unwrap_or_default();
            Some(Relation {
                id: relation.attribute("Id")?.into_owned(),
                kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                target: if external { target.into_owned() } else { resolve(folder, &target) },
                external,
            })
        });
        Ok(Self(all.collect()))
    }

    /// By what the pointing part calls it.
    pub(in super::super) fn by_id(&self, id: &str) -> Option<&Relation> {
        self.0.iter().find(|relation| relation.id == id)
    }

    /// The first of a type that points to another part.
    pub(in super::super) fn part(&self, kind: &str) -> Option<&str> {
        self.parts(kind).next()
    }

    /// All parts of a type that are pointed to.
    pub(in super::super) fn parts(&self, kind: &str) -> impl Iterator<Item = &str> {
        let kind = kind.to_owned();
        let found = self.0.iter().filter(move |it| it.kind == kind && !it.external);
        found.map(|relation| relation.target.as_str())
    }

    /// Where a link leads, when it leads outside.
    pub(in super::super) fn address(&self, id: &str) -> Option<&str> {
        self.by_id(id).filter(|relation| relation.external).map(|relation| relation.target.as_str())
    }
}

/// The name a reference means, seen from a folder: without `.` and `..`, never above the archive's
/// root.
pub(in super::super) fn resolve(folder: &str, reference: &str) -> String {
    let from = if reference.starts_with('/') { "" } else { folder };
    let mut parts = Vec::new();
    for part in from.split('/').chain(reference.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_in_the_archive() {
        assert_eq!(resolve("ppt/slides", "../notes/n1.xml"), "ppt/notes/n1.xml");
        assert_eq!(resolve("ppt", "/word/document.xml"), "word/document.xml");
        assert_eq!(resolve("a", "../../../etc/passwd"), "etc/passwd");
    }
}
