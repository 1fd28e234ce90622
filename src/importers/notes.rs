//! What an importer reports besides migrations.

use super::{Problem, limits};
use crate::domain::room;

/// Files that are no migrations, and problems.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// Files that the tool does not run either: path and reason.
    pub(super) ignored: Vec<(String, String)>,
    /// Files that the tool does not read: path and reason.
    pub(super) unread: Vec<(String, String)>,
    pub(super) problems: Vec<Problem>,
}

impl Notes {
    /// Notes a file, or a part of one, that the tool does not run by its own rules, or that only
    /// has settings for migrations. The reason is a clause in lower case without full stop, such
    /// as `shouldExecute is false in the file beside it`.
    pub fn ignore(&mut self, path: &str, why: impl Into<String>) {
        self.note(path, why.into(), false);
    }

    /// Notes a file that the tool does not read. If it has the name of a migration, that is a
    /// problem. The reason is as in [`Notes::ignore`].
    pub fn unread(&mut self, path: &str, why: impl Into<String>) {
        self.note(path, why.into(), true);
    }

    fn note(&mut self, path: &str, why: String, is_unread: bool) {
        if self.ignored.len() + self.unread.len() < limits::MAX_COUNT {
            let all = if is_unread { &mut self.unread } else { &mut self.ignored };
            room::push(all, (room::owned(path), why));
        } else if self.problems.is_empty() {
            let message = format!("it has more than {} parts that are not read", limits::MAX_COUNT);
            self.refuse(Problem::beyond(path, message, "Remove what is not needed."));
        }
    }

    /// Notes a problem that does not prevent reading on, so that all of them are reported
    /// together. Nothing is registered if there is one.
    pub fn refuse(&mut self, problem: Problem) {
        // Whoever has solved these loads the files again.
        if self.problems.len() < limits::MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// What was read. None: it is a problem, which is noted.
    pub fn take<T>(&mut self, read: Result<T, Problem>) -> Option<T> {
        read.map_err(|problem| self.refuse(problem)).ok()
    }

    /// The paths of all files that are noted.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        let noted = self.ignored.iter().chain(&self.unread).map(|(path, _)| path);
        noted.chain(self.problems.iter().map(|problem| &problem.path))
    }
}
