//! When a repeatable migration runs.

/// When a repeatable migration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moment {
    /// When it has changed, after the versions.
    #[default]
    Changed,
    /// Before all others, in every run that has something to do.
    BeforeRun,
    /// After all others, in every run that has something to do.
    AfterRun,
}

impl Moment {
    /// The one of this name. None: there is none.
    pub fn parse(name: &str) -> Option<Moment> {
        match name {
            "changed" => Some(Moment::Changed),
            "before" => Some(Moment::BeforeRun),
            "after" => Some(Moment::AfterRun),
            _ => None,
        }
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Moment::Changed => "changed",
            Moment::BeforeRun => "before",
            Moment::AfterRun => "after",
        }
    }
}
