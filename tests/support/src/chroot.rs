//! An empty root file system: a folder that holds only a program and its shared libraries, and that the program runs in as its
//! root. It has no certificates, no `/etc`, no `/tmp`, no `/proc`, no `/dev`.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tokio::process::Command;

/// The folder, which is removed when the value is dropped.
pub struct Chroot {
    folder: tempfile::TempDir,
    program: String,
}

impl Chroot {
    pub fn new(program: &Path) -> Self {
        let name = program.file_name().unwrap().to_str().unwrap();
        let chroot = Self {
            folder: tempfile::tempdir().unwrap(),
            program: format!("/{name}"),
        };
        copy(program, &chroot.path(name));
        let ldd = std::process::Command::new("ldd").arg(program).output();
        let libraries = String::from_utf8(ldd.unwrap().stdout).unwrap();
        let paths = libraries.split_whitespace();
        for library in paths.filter(|word| word.starts_with('/')) {
            copy(Path::new(library), &chroot.path(&library[1..]));
        }
        // The program may run as any user.
        for (name, mode) in [("", 0o755), ("out", 0o777)] {
            let path = chroot.path(name);
            fs::create_dir_all(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        chroot
    }

    /// The path outside of the file system that `name` has inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn root(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_by(&["chroot", self.root()], arguments)
    }

    /// The command that runs the program inside by the command `words`, without environment variables.
    pub fn command_by(&self, words: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(&self.program).args(arguments);
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.kill_on_drop(true);
        command
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(from, to).unwrap();
}
