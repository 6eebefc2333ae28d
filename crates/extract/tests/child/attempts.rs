//! What a parser that a hostile file has taken over would try.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Read, Write as _},
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::{net::UnixStream, process::CommandExt},
    process::Command,
    thread,
};

use nix::{sys::ptrace, unistd::Pid};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, Signal};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// Tries everything and says, a line each, what succeeded and what was refused. The arguments are
/// paths of files that must stay closed, and the address of a server.
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

/// What Landlock must refuse, a line each: what succeeded, what it refused, and what failed for
/// another reason.
pub(crate) fn of_paths(paths: &[&str], server: &str) -> String {
    // The bound on descriptors would refuse files before Landlock is asked. An attacker has three
    // to close.
    for descriptor in [0, 2] {
        let _ = nix::unistd::close(descriptor);
    }

    let mut said = String::new();
    let mut note = |what: &str, outcome: io::Result<()>| {
        said.push_str(&line(what, outcome, libc::EACCES));
    };
    let new = |what: &str| format!("{}.{what}", paths[0]);
    note("read", open(paths[0]));
    note("write", fs::OpenOptions::new().append(true).open(paths[0]).map(drop));
    note("make a file", fs::File::create(new("file")).map(drop));
    note("make a folder", fs::create_dir(new("folder")));
    note("list a folder", fs::read_dir("/etc").map(drop));
    note("rename", fs::rename(paths[1], new("moved")));
    note("delete", fs::remove_file(paths[0]));
    note("connect", TcpStream::connect(server).map(drop));
    note("listen", TcpListener::bind("127.0.0.1:0").map(drop));
    said
}

/// Runs another program in the place of this one, which Landlock must refuse: who succeeds gives no
/// answer.
pub(crate) fn of_programs() -> String {
    let refused = Command::new("/bin/true").exec();
    line("run a program", Err(refused), libc::EACCES)
}

/// What the bound on descriptors must refuse, a line each, as in [`of_paths`].
pub(crate) fn of_descriptors(paths: &[&str], server: &str) -> String {
    let mut said = String::new();
    let mut note = |what: &str, outcome: io::Result<()>| {
        said.push_str(&line(what, outcome, libc::EMFILE));
    };
    note("open a file", open(paths[0]));
    note("connect", TcpStream::connect(server).map(drop));
    // Whether that succeeds is seen by the next one.
    let _ = rlimit::setrlimit(rlimit::Resource::NOFILE, 64, 64);
    note("open a file after raising the bound", open(paths[0]));
    said
}

/// What became of an attempt that must be refused with this error.
fn line(what: &str, outcome: io::Result<()>, refusal: i32) -> String {
    match outcome {
        Ok(()) => format!("{what}: done\n"),
        Err(error) if error.raw_os_error() == Some(refusal) => format!("{what}: refused\n"),
        Err(error) => format!("{what}: failed, {error}\n"),
    }
}

/// The call without which a kernel has no Landlock.
pub(crate) const LANDLOCK: libc::c_long = libc::SYS_landlock_create_ruleset;
/// The call without which a kernel has no seccomp filters.
pub(crate) const SECCOMP: libc::c_long = libc::SYS_seccomp;

/// From here on the kernel does not know these calls.
pub(crate) fn forget(calls: &[libc::c_long]) -> Result<(), Box<dyn std::error::Error>> {
    let rules = calls.iter().map(|call| (*call, Vec::new())).collect();
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
fn open(path: &str) -> io::Result<()> {
    let mut first = [0];
    fs::File::open(path)?.read(&mut first).map(|_| ())
}

fn readable() -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::Dumpable)
}

/// Writes as the real child does.
pub(crate) fn answer(text: &str) -> io::Result<()> {
    let answer = serde_json::json!({"Ok": {
        "text": text, "pages": [], "headings": [], "kind": "pdf", "title": null
    }});
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}
