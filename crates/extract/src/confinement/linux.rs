//! What Linux can take away besides limits: privileges, files, what was inherited.

use std::{fs, os::fd::RawFd};

use super::{Extent, Lack};
use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetError, RulesetStatus, Scope,
};
use rustix::{
    process::getppid,
    thread::{
        CapabilitySet, CapabilitySets, clear_ambient_capability_set,
        remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
    },
};

/// The newest Landlock whose rules are asked for; older kernels keep those that they know.
const LANDLOCK: ABI = ABI::V6;
/// Descriptors up to here are closed where the kernel does not list those that are open.
const DESCRIPTORS: RawFd = 1024;

/// Closes what the starter of the parent left open: only the standard streams are ours.
pub(super) fn close_inherited() {
    let listed = fs::read_dir("/proc/self/fd").map(|entries| {
        let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        names.collect::<Vec<RawFd>>()
    });
    let open = listed.unwrap_or_else(|_| (0..DESCRIPTORS).collect());

    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // The list's own descriptor is closed by now.
        let _ = nix::unistd::close(descriptor);
    }
}

/// Gives all capabilities up, for this process and for what it might run.
pub(super) fn drop_privileges() -> Result<(), String> {
    super::hide().map_err(|error| format!("the process stays readable: {error}"))?;
    set_no_new_privs(true).map_err(|error| format!("no_new_privs: {error}"))?;
    // Ordinary users have none to give up, and may not ask.
    let _ = clear_ambient_capability_set();
    for capability in CapabilitySet::all().iter() {
        let _ = remove_capability_from_bounding_set(capability);
    }

    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, sets).map_err(|error| format!("capabilities stay: {error}"))
}

/// Fails when the environment of the parent can be read.
pub(super) fn cannot_read_parent() -> Result<(), String> {
    let Some(parent) = getppid() else { return Ok(()) };
    let environment = format!("/proc/{}/environ", parent.as_raw_nonzero());
    match fs::read(environment) {
        Ok(_) => Err("the environment of the parent can be read".to_owned()),
        Err(_) => Ok(()),
    }
}

/// Forbids every path, every TCP port, and signals and sockets that lead outside.
pub(super) fn forbid_files() -> Result<(), Lack> {
    let restrict = || -> Result<RestrictionStatus, RulesetError> {
        let rules = Ruleset::default()
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?;
        rules.create()?.restrict_self()
    };
    match restrict() {
        Ok(status) => judge(status.ruleset, status.landlock),
        Err(error) => Err(error.to_string().into()),
    }
}

/// What a kernel made of our rules.
fn judge(rules: RulesetStatus, kernel: LandlockStatus) -> Result<(), Lack> {
    match (rules, kernel) {
        (RulesetStatus::FullyEnforced, _) => Ok(()),
        (RulesetStatus::NotEnforced, _) => Err("the kernel has no Landlock".to_owned().into()),
        (RulesetStatus::PartiallyEnforced, LandlockStatus::Available { effective_abi, .. }) => {
            let uncovered = ADDED.iter().filter(|(abi, _)| effective_abi < *abi);
            let uncovered: Vec<&str> = uncovered.map(|(_, what)| *what).collect();
            let why = format!(
                "the kernel's Landlock (version {}) does not cover {}",
                effective_abi as i32,
                uncovered.join(", ")
            );
            Err(Lack { extent: Extent::Partly, why })
        }
        (RulesetStatus::PartiallyEnforced, _) => {
            let why = "the kernel's Landlock enforces only some of the rules".to_owned();
            Err(Lack { extent: Extent::Partly, why })
        }
    }
}

/// What later versions of Landlock added.
const ADDED: [(ABI, &str); 5] = [
    (ABI::V2, "moving files to other folders"),
    (ABI::V3, "truncating files"),
    (ABI::V4, "TCP ports"),
    (ABI::V5, "commands to devices"),
    (ABI::V6, "signals and abstract sockets"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_landlock_is_no_complete_one_and_says_what_it_does_not_cover() {
        let kernel = |effective_abi| LandlockStatus::Available { effective_abi, kernel_abi: None };
        let judged = |abi| judge(RulesetStatus::PartiallyEnforced, kernel(abi)).unwrap_err();

        let old = judged(ABI::V3);
        assert_eq!(old.extent, Extent::Partly);
        assert_eq!(
            old.why,
            "the kernel's Landlock (version 3) does not cover TCP ports, commands to devices, signals and abstract sockets"
        );
        assert!(judged(ABI::V1).why.contains("truncating files"));
        assert!(judge(RulesetStatus::FullyEnforced, kernel(ABI::V6)).is_ok());
        let none = judge(RulesetStatus::NotEnforced, LandlockStatus::NotImplemented).unwrap_err();
        assert_eq!(none.extent, Extent::Wholly);
    }
}
