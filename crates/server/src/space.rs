//! How much space the disk of the data has.

use std::{path::Path, sync::Arc};

use replyx_api::vitals::{Look, Space};

/// Looks at the disk that holds `folder`.
pub fn of(folder: &Path) -> Look {
    let folder = folder.to_owned();
    Arc::new(move || {
        let disk = rustix::fs::statvfs(&folder).ok()?;
        Some(Space {
            free: disk.f_bavail.saturating_mul(disk.f_frsize),
            size: disk.f_blocks.saturating_mul(disk.f_frsize),
        })
    })
}
