//! What a parser that a hostile file has taken over would try.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::net::UnixStream,
    process::Command,
    thread,
};

use nix::{sys::ptrace, unistd::Pid};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, Signal};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Tries everything and says, a line each, what succeeded and what was refused. The arguments are paths of files that
/// must stay closed, and the address of a server.
pub(crate) fn all(parent: rustix::process::Pid, paths: &[&str], server: &str) -> String {
    let pid = parent.as_raw_nonzero().get();
    let mut said = String::new();
    let mut note = |what: &str, outcome: Result<(), String>| {
        let word = if outcome.is_ok() { "done" } else { "refused" };
        let _ = writeln!(said, "{what}: {word}");
    };

    for path in paths {
        note(&format!("read {path}"), tried(fs::read(path)));
        note(&format!("look at {path}"), tried(fs::metadata(path)));
        note(&format!("write {path}"), tried(fs::OpenOptions::new().append(true).open(path)));
        note(&format!("delete {path}"), tried(fs::remove_file(path)));
    }
    note("list a folder", tried(fs::read_dir("/etc")));
    note("make a folder", tried(fs::create_dir(format!("{}.folder", paths[0]))));
    for file in ["environ", "mem", "maps", "cmdline", "fd/0", "root/etc/passwd"] {
        note(&format!("read the parent's {file}"), tried(open(&format!("/proc/{pid}/{file}"))));
    }
    note("read its own environment", tried(open("/proc/self/environ")));
    note("connect", tried(TcpStream::connect(server)));
    note("listen", tried(TcpListener::bind("127.0.0.1:0")));
    note("send a datagram", tried(UdpSocket::bind("127.0.0.1:0")));
    note("make a pair of sockets", tried(UnixStream::pair()));
    note("run a program", tried(Command::new("/bin/true").status()));
    note("run itself", tried(Command::new("/proc/self/exe").status()));
    note("start a thread", tried(thread::Builder::new().spawn(|| {})));
    note("trace the parent", tried(ptrace::seize(Pid::from_raw(pid), ptrace::Options::empty())));
    note("signal the parent", tried(rustix::process::kill_process(parent, Signal::CONT)));
    let steal = || {
        let handle = rustix::process::pidfd_open(parent, PidfdFlags::empty())?;
        rustix::process::pidfd_getfd(handle, 0, PidfdGetfdFlags::empty())
    };
    note("take a descriptor of the parent", tried(steal()));
    note("become readable", tried(readable()));
    let inherited = (3..64).filter(|descriptor| nix::unistd::close(*descriptor).is_ok()).count();
    note("use what was inherited", if inherited > 0 { Ok(()) } else { Err(String::new()) });
    said
}

/// From here on the kernel has neither Landlock nor seccomp filters, as some containers.
pub(crate) fn forget_parts() -> Result<(), Box<dyn std::error::Error>> {
    let calls = [libc::SYS_landlock_create_ruleset, libc::SYS_seccomp];
    let rules = calls.into_iter().map(|call| (call, Vec::new())).collect();
    let missing = u32::try_from(libc::ENOSYS)?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(missing),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    Ok(seccompiler::apply_filter(&program)?)
}

fn tried<T, E: ToString>(outcome: Result<T, E>) -> Result<(), String> {
    outcome.map(|_| ()).map_err(|error| error.to_string())
}

/// Opening is enough for some files; others refuse at the first byte.
fn open(path: &str) -> std::io::Result<()> {
    let mut first = [0];
    fs::File::open(path)?.read(&mut first).map(|_| ())
}

fn readable() -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::Dumpable)
}

/// Writes as the real child does.
pub(crate) fn answer(text: &str) -> std::io::Result<()> {
    let answer = serde_json::json!({"Ok": {
        "text": text, "pages": [], "headings": [], "kind": "pdf", "title": null
    }});
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}
