//! `--open`: shows a file in the program that the user's system opens it with.

use std::path::Path;

use crate::output::print_note;

/// Opens a file and does not wait for the program. A failure is a note, since the file exists.
pub(crate) fn open(path: &Path) {
    // A relative path may begin with a dash.
    let absolute = std::path::absolute(path);
    if let Err(error) = absolute.and_then(open::that_detached) {
        print_note(format!(
            "note: {} cannot be opened: {error}",
            path.display()
        ));
    }
}
