//! What the child process gives up before it reads the first byte of a file.
//!
//! [`confine`] is the way in. A kernel or a container may lack a part of it: the child then goes on
//! with the others, and [`Confinement::missing`] says which part is missing, why, and what helps.
//! Limits that the system refuses end the child instead.

use std::io;

use serde::{Deserialize, Serialize};

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod linux;

/// Address space of the child, bytes.
#[cfg(unix)]
const MEMORY: u64 = 1024 * 1024 * 1024;
/// Processor time of the child, seconds.
#[cfg(unix)]
const CPU: u64 = 20;
/// How much a child gives way to others: customers' answers come first.
#[cfg(unix)]
const NICE: i32 = 10;

/// A part of the confinement that a system may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// No capability is left, and no program can bring one back.
    Privileges,
    /// Memory and environment of the parent cannot be read.
    Parent,
    /// No path can be opened (Landlock).
    Files,
    /// No system call but those that computing needs (seccomp).
    Calls,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Privileges, Self::Parent, Self::Files, Self::Calls];

    /// The word for it, as metrics and logs show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Privileges => "privileges",
            Self::Parent => "parent",
            Self::Files => "files",
            Self::Calls => "calls",
        }
    }

    /// What an operator can do where this part is missing.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Privileges => "run the program as an ordinary user instead of root",
            Self::Parent => {
                "run the program as an ordinary user, and let /proc be mounted as usual"
            }
            Self::Files => {
                "use Linux 5.13 or newer with `landlock` among its `lsm=`, and allow the calls landlock_* in the \
                 container's seccomp profile"
            }
            Self::Calls => {
                "use a kernel with seccomp filters (CONFIG_SECCOMP_FILTER) on x86-64, ARM64 or RISC-V, and allow the \
                 call seccomp in the container's profile"
            }
        }
    }
}

/// How much of a part is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// All of it.
    Wholly,
    /// Some of it: the kernel is older than what we ask of it.
    Partly,
}

/// A part that is not in force, or not in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Its id.
    pub part: Part,
    /// How much of it.
    pub extent: Extent,
    /// Why.
    pub why: String,
}

impl Missing {
    /// What an operator can do.
    pub const fn remedy(&self) -> &'static str {
        match self.extent {
            Extent::Wholly => self.part.remedy(),
            Extent::Partly => "use Linux 6.12 or newer",
        }
    }
}

/// Why a part is not in force, or not in full.
#[derive(Debug)]
struct Lack {
    extent: Extent,
    why: String,
}

impl From<String> for Lack {
    fn from(why: String) -> Self {
        Self { extent: Extent::Wholly, why }
    }
}

/// How far a process is confined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// What is not in force; nothing on a system that has everything.
    pub missing: Vec<Missing>,
}

impl Confinement {
    #[cfg_attr(not(unix), expect(dead_code, reason = "the list is given whole"))]
    fn note(&mut self, part: Part, outcome: Result<(), impl Into<Lack>>) {
        if let Err(lack) = outcome {
            let Lack { extent, why } = lack.into();
            self.missing.push(Missing { part, extent, why });
        }
    }

    /// How much of a part is in force: 1, 0, or 0.5 for some of it.
    pub fn share(&self, part: Part) -> f64 {
        match self.missing.iter().find(|missing| missing.part == part) {
            None => 1.0,
            Some(Missing { extent: Extent::Partly, .. }) => 0.5,
            Some(Missing { extent: Extent::Wholly, .. }) => 0.0,
        }
    }
}

/// Takes memory, processor time, files, the network, programs, other processes and its place in the
/// queue for the processor away from this process, permanently. Only what is open on the standard
/// streams stays.
///
/// # Errors
///
/// Fails when a limit cannot be set.
#[cfg(unix)]
pub fn confine() -> io::Result<Confinement> {
    use rlimit::Resource;

    std::env::set_current_dir("/")?;
    rustix::process::nice(NICE)?;
    lower(&[
        (Resource::AS, MEMORY),
        (Resource::CPU, CPU),
        (Resource::CORE, 0),
        (Resource::FSIZE, 0),
        (Resource::NPROC, 0),
    ])?;
    let mut confinement = Confinement::default();
    confine_further(&mut confinement)?;
    Ok(confinement)
}

/// Nothing can be taken away here; the bound on time still holds.
#[cfg(not(unix))]
pub fn confine() -> io::Result<Confinement> {
    let why = "this system has no such thing".to_owned();
    let extent = Extent::Wholly;
    let missing = Part::ALL.map(|part| Missing { part, extent, why: why.clone() }).to_vec();
    Ok(Confinement { missing })
}

#[cfg(unix)]
fn lower(limits: &[(rlimit::Resource, u64)]) -> io::Result<()> {
    for (resource, limit) in limits {
        // A limit that is stricter already cannot be raised again, and need not be.
        let (_, hard) = rlimit::getrlimit(*resource)?;
        let limit = hard.min(*limit);
        rlimit::setrlimit(*resource, limit, limit)?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn confine_further(confinement: &mut Confinement) -> io::Result<()> {
    linux::close_inherited();
    confinement.note(Part::Privileges, linux::drop_privileges());
    // Looked at while there is still a way to look.
    confinement.note(Part::Parent, linux::cannot_read_parent());
    confinement.note(Part::Files, linux::forbid_files());
    // Three streams are open, and nothing else ever will be.
    lower(&[(rlimit::Resource::NOFILE, 3)])?;
    confinement.note(Part::Calls, calls::forbid());
    Ok(())
}

#[cfg(all(unix, not(target_os = "linux")))]
fn confine_further(confinement: &mut Confinement) -> io::Result<()> {
    for part in Part::ALL {
        confinement.note(part, Err("only Linux has it".to_owned()));
    }
    lower(&[(rlimit::Resource::NOFILE, 3)])
}

/// Keeps memory and environment of this process, where the secrets are, from other processes of the
/// same user: children that read files among them. Core dumps and debuggers of ordinary users go
/// with it.
pub fn hide() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
